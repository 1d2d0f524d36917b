-- name: to_judge
-- The answers of an attempt that nobody has graded, each with the version whose key decides: the
-- one that was seen, or the last one that corrects it without anything else between.
SELECT asked.attempt_id, asked.question_id, asked.version, asked.answer, asked.answer_sealed,
       asked.max_points, asked.seconds, question.kind, judging.version AS judging_version, judging.body
FROM attempt_questions AS asked
JOIN questions AS question ON question.id = asked.question_id
CROSS JOIN LATERAL (
    SELECT later.version, later.body FROM question_versions AS later
    WHERE later.question_id = asked.question_id AND later.version >= asked.version
      AND NOT EXISTS (
          SELECT FROM question_versions AS other
          WHERE other.question_id = asked.question_id AND NOT other.corrects
            AND other.version > asked.version AND other.version <= later.version
      )
    ORDER BY later.version DESC LIMIT 1
) AS judging
WHERE asked.attempt_id = %(attempt_id)s AND asked.graded_at IS NULL
ORDER BY asked.position

-- name: judge
UPDATE attempt_questions AS asked
SET points = given.points, correct = given.correct, response = given.response,
    graded_version = given.version, graded_by = NULL, graded_at = %(at)s
FROM unnest(%(attempts)s::uuid[], %(questions)s::uuid[], %(points)s::numeric[],
            %(corrects)s::boolean[], %(responses)s::text[], %(versions)s::int[])
    AS given (attempt_id, question_id, points, correct, response, version)
WHERE asked.attempt_id = given.attempt_id AND asked.question_id = given.question_id

-- name: judge_one
UPDATE attempt_questions
SET points = %(points)s, correct = %(correct)s, graded_version = NULL, graded_by = %(graded_by)s,
    graded_at = %(at)s, criteria = %(criteria)s,
    feedback_sealed = coalesce(%(feedback_sealed)s, feedback_sealed)
WHERE attempt_id = %(attempt_id)s AND question_id = %(question_id)s

-- name: tally
SELECT question_id, points, max_points FROM attempt_questions WHERE attempt_id = %(attempt_id)s

-- name: set_status
UPDATE attempts SET status = %(status)s WHERE id = %(id)s

-- name: queue
-- What waits for a person, oldest first.
SELECT attempt.id, attempt.assessment_id, attempt.user_id, attempt.number, attempt.submitted_at,
       (SELECT count(*) FROM attempt_questions AS asked
        WHERE asked.attempt_id = attempt.id AND asked.graded_at IS NULL) AS questions
FROM attempts AS attempt
JOIN users AS learner ON learner.id = attempt.user_id
WHERE attempt.course_id = %(course_id)s AND attempt.institution_id = %(institution_id)s
  AND attempt.status = 'waiting' AND learner.erased_at IS NULL
  AND (%(after_first)s::timestamptz IS NULL
       OR (attempt.submitted_at, attempt.id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY attempt.submitted_at, attempt.id
LIMIT %(rows)s

-- name: lock_answers_to
-- The attempts that asked a question and were graded. In one order: two regrades that meet wait for
-- each other and do not deadlock. Read by another statement once all are locked.
SELECT attempt.id
FROM attempts AS attempt
JOIN attempt_questions AS asked ON asked.attempt_id = attempt.id
JOIN users AS learner ON learner.id = attempt.user_id
WHERE asked.question_id = %(question_id)s AND attempt.status IN ('waiting', 'graded')
  AND learner.erased_at IS NULL -- their answers are gone, and nothing is emitted about them any more
  AND attempt.institution_id = %(institution_id)s
ORDER BY attempt.id
FOR NO KEY UPDATE OF attempt

-- name: answers_to
SELECT asked.attempt_id, asked.question_id, asked.answer, asked.answer_sealed, asked.max_points,
       asked.seconds, asked.points, asked.correct, asked.response, asked.version,
       %(kind)s::text AS kind, judging.version AS judging_version, judging.body, attempt.user_id,
       learner.wrapped_key
FROM attempt_questions AS asked
JOIN attempts AS attempt ON attempt.id = asked.attempt_id
LEFT JOIN person_keys AS learner ON learner.user_id = attempt.user_id
CROSS JOIN LATERAL (
    SELECT later.version, later.body FROM question_versions AS later
    WHERE later.question_id = asked.question_id AND later.version >= asked.version
      AND NOT EXISTS (
          SELECT FROM question_versions AS other
          WHERE other.question_id = asked.question_id AND NOT other.corrects
            AND other.version > asked.version AND other.version <= later.version
      )
    ORDER BY later.version DESC LIMIT 1
) AS judging
WHERE asked.question_id = %(question_id)s AND asked.attempt_id = ANY(%(attempts)s)
  AND asked.graded_version IS NOT NULL -- what a person decided stays
ORDER BY asked.attempt_id
