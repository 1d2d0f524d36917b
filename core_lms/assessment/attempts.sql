-- name: granted
SELECT {accommodation} FROM accommodations
WHERE course_id = %(course_id)s AND user_id = %(user_id)s
  AND (assessment_id = %(assessment_id)s OR assessment_id IS NULL)

-- name: grant
INSERT INTO accommodations (id, institution_id, course_id, assessment_id, user_id, time_factor,
                            extra_attempts, extension_s, granted_by)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(assessment_id)s, %(user_id)s,
        %(time_factor)s, %(extra_attempts)s, %(extension_s)s, %(granted_by)s)
ON CONFLICT (course_id, user_id, assessment_id) DO UPDATE
SET time_factor = excluded.time_factor, extra_attempts = excluded.extra_attempts,
    extension_s = excluded.extension_s, granted_by = excluded.granted_by, created_at = NOW()
RETURNING {accommodation}

-- name: withdraw
DELETE FROM accommodations
WHERE course_id = %(course_id)s AND user_id = %(user_id)s
  AND assessment_id IS NOT DISTINCT FROM %(assessment_id)s
RETURNING id

-- name: accommodations
SELECT {accommodation} FROM accommodations
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(assessment_id)s::uuid IS NULL OR assessment_id = %(assessment_id)s
       OR assessment_id IS NULL)
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: lock_running
-- A learner's open attempts that a grant may give more time.
SELECT attempt.id, attempt.started_at, attempt.assessment_id
FROM attempts AS attempt
WHERE attempt.course_id = %(course_id)s AND attempt.user_id = %(user_id)s
  AND attempt.status = 'open'
  AND (%(assessment_id)s::uuid IS NULL OR attempt.assessment_id = %(assessment_id)s)
ORDER BY attempt.id
FOR NO KEY UPDATE

-- name: set_expiry
UPDATE attempts SET expires_at = %(expires_at)s WHERE id = %(id)s

-- name: attempt
SELECT {attempt.stored}, learner.wrapped_key
FROM attempts AS attempt
LEFT JOIN person_keys AS learner ON learner.user_id = attempt.user_id
WHERE attempt.id = %(id)s AND attempt.institution_id = %(institution_id)s

-- name: lock_attempt
SELECT {attempt.stored}, assessment.late_penalty, assessment.after_limit,
       learner.erased_at IS NOT NULL AS forgotten, wrapped_key
FROM attempts AS attempt
JOIN assessments AS assessment ON assessment.id = attempt.assessment_id
JOIN users AS learner ON learner.id = attempt.user_id
LEFT JOIN person_keys ON person_keys.user_id = attempt.user_id
WHERE attempt.id = %(id)s AND attempt.institution_id = %(institution_id)s
FOR NO KEY UPDATE OF attempt

-- name: lock_open_attempt
SELECT {stored} FROM attempts
WHERE assessment_id = %(assessment_id)s AND user_id = %(user_id)s AND status = 'open'
  AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: attempts_made
SELECT coalesce(max(number), 0) AS number FROM attempts
WHERE assessment_id = %(assessment_id)s AND user_id = %(user_id)s

-- name: insert_attempt
INSERT INTO attempts (id, institution_id, assessment_id, user_id, course_id, number, seed,
                      started_at, expires_at, grace_s)
VALUES (%(id)s, %(institution_id)s, %(assessment_id)s, %(user_id)s, %(course_id)s, %(number)s,
        %(seed)s, %(started_at)s, %(expires_at)s, %(grace_s)s)

-- name: ask
INSERT INTO attempt_questions
    (attempt_id, institution_id, position, question_id, version, max_points)
SELECT %(attempt_id)s, %(institution_id)s, asked.place - 1, asked.id, asked.version, asked.points
FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(points)s::numeric[])
    WITH ORDINALITY AS asked (id, version, points, place)

-- name: attempts
SELECT {attempt} FROM attempts
WHERE assessment_id = %(assessment_id)s AND institution_id = %(institution_id)s
  AND (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s)
  AND (%(after_first)s::timestamptz IS NULL
       OR (started_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY started_at, id
LIMIT %(rows)s

-- name: asked
-- The questions of an attempt as its learner saw them.
SELECT {asked.answer}, question.kind, seen.body
FROM attempt_questions AS asked
JOIN questions AS question ON question.id = asked.question_id
JOIN question_versions AS seen
  ON seen.question_id = asked.question_id AND seen.version = asked.version
WHERE asked.attempt_id = %(attempt_id)s
ORDER BY asked.position

-- name: asked_one
SELECT {asked.answer}, question.kind, seen.body
FROM attempt_questions AS asked
JOIN questions AS question ON question.id = asked.question_id
JOIN question_versions AS seen
  ON seen.question_id = asked.question_id AND seen.version = asked.version
WHERE asked.attempt_id = %(attempt_id)s AND asked.question_id = %(question_id)s

-- name: save_answer
UPDATE attempt_questions
SET answer_sealed = %(answer_sealed)s, answered_at = %(at)s,
    revision = coalesce(%(revision)s, revision + 1),
    seconds = greatest(seconds, %(seconds)s::numeric)
WHERE attempt_id = %(attempt_id)s AND question_id = %(question_id)s
  AND revision < coalesce(%(revision)s, revision + 1)
RETURNING {answer}

-- name: over_time
UPDATE attempts SET over_time = TRUE WHERE id = %(id)s

-- name: hand_in
UPDATE attempts SET status = 'submitted', submitted_at = %(at)s WHERE id = %(id)s RETURNING {attempt}

-- name: run_out
SELECT institution_id::text, id FROM attempts_run_out(%(now)s, %(most)s)
