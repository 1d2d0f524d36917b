-- name: insert
INSERT INTO assessments (
    id, institution_id, course_id, kind, title, due_at, weight, required, opens_at, closes_at,
    late_penalty, pass_score, max_attempts, score_rule, time_limit_s, grace_s, after_limit,
    shuffle_questions, shuffle_choices, release, show_solutions
)
VALUES (
    %(id)s, %(institution_id)s, %(course_id)s, %(kind)s, %(title)s, %(due_at)s, %(weight)s,
    %(required)s, %(opens_at)s, %(closes_at)s, %(late_penalty)s, %(pass_score)s, %(max_attempts)s,
    %(score_rule)s, %(time_limit_s)s, %(grace_s)s, %(after_limit)s, %(shuffle_questions)s,
    %(shuffle_choices)s, %(release)s, %(show_solutions)s
)
RETURNING {assessment}

-- name: get
SELECT {assessment} FROM assessments WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT {assessment} FROM assessments WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: change
UPDATE assessments
SET title = %(title)s, due_at = %(due_at)s, weight = %(weight)s, required = %(required)s,
    opens_at = %(opens_at)s, closes_at = %(closes_at)s, late_penalty = %(late_penalty)s,
    pass_score = %(pass_score)s, max_attempts = %(max_attempts)s, score_rule = %(score_rule)s,
    time_limit_s = %(time_limit_s)s, grace_s = %(grace_s)s, after_limit = %(after_limit)s,
    shuffle_questions = %(shuffle_questions)s, shuffle_choices = %(shuffle_choices)s,
    release = %(release)s, show_solutions = %(show_solutions)s, updated_at = NOW()
WHERE id = %(id)s
RETURNING {assessment}

-- name: release
UPDATE assessments SET released_at = coalesce(released_at, %(at)s), updated_at = NOW()
WHERE id = %(id)s
RETURNING {assessment}

-- name: list
SELECT {assessment} FROM assessments
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: with_course
SELECT {assessment.assessment}, course.status AS course_status,
       EXISTS (SELECT FROM assessment_parts AS slot WHERE slot.assessment_id = assessment.id) AS asks
FROM assessments AS assessment
JOIN courses AS course ON course.id = assessment.course_id
WHERE assessment.id = %(id)s AND assessment.institution_id = %(institution_id)s

-- name: submit
INSERT INTO submissions
    (id, institution_id, assessment_id, user_id, course_id, submitted_at, attempt, late)
VALUES (%(id)s, %(institution_id)s, %(assessment_id)s, %(user_id)s, %(course_id)s,
        %(submitted_at)s, %(attempt)s, %(late)s)
RETURNING {submission}

-- name: submission
SELECT {submission} FROM submissions WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: submissions_of_assessment
SELECT {submission}, created_at FROM submissions
WHERE assessment_id = %(assessment_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: lock_submission
SELECT {submission.submission}, assessment.kind, assessment.pass_score, assessment.score_rule,
       learner.wrapped_key
FROM submissions AS submission
JOIN assessments AS assessment ON assessment.id = submission.assessment_id
LEFT JOIN person_keys AS learner ON learner.user_id = submission.user_id
WHERE submission.id = %(id)s AND submission.institution_id = %(institution_id)s
FOR NO KEY UPDATE OF submission

-- name: grade
UPDATE submissions
SET score = %(score)s, passed = %(passed)s, graded_at = %(graded_at)s, graded_by = %(graded_by)s
WHERE id = %(id)s
RETURNING {submission}

-- name: give_feedback
INSERT INTO feedback (id, institution_id, submission_id, given_by, body, text_sealed)
VALUES (%(id)s, %(institution_id)s, %(submission_id)s, %(given_by)s, '', %(text_sealed)s)
RETURNING created_at

-- name: feedback
SELECT feedback.id, feedback.institution_id, feedback.submission_id, feedback.given_by,
       feedback.created_at, feedback.text_sealed, nullif(feedback.body, '') AS text, submission.user_id, learner.wrapped_key
FROM feedback
JOIN submissions AS submission ON submission.id = feedback.submission_id
LEFT JOIN person_keys AS learner ON learner.user_id = submission.user_id
WHERE feedback.id = %(id)s AND feedback.institution_id = %(institution_id)s

-- name: feedback_of_submission
SELECT feedback.id, feedback.institution_id, feedback.submission_id, feedback.given_by,
       feedback.created_at, feedback.text_sealed, nullif(feedback.body, '') AS text, submission.user_id, learner.wrapped_key
FROM feedback
JOIN submissions AS submission ON submission.id = feedback.submission_id
LEFT JOIN person_keys AS learner ON learner.user_id = submission.user_id
WHERE feedback.submission_id = %(submission_id)s AND feedback.institution_id = %(institution_id)s
ORDER BY feedback.created_at, feedback.id

-- name: scores_of_submissions
-- In the order handed in, which is the rule's.
SELECT score FROM submissions
WHERE assessment_id = %(assessment_id)s AND user_id = %(user_id)s AND score IS NOT NULL
ORDER BY submitted_at, id

-- name: set_score
INSERT INTO assessment_scores
    (assessment_id, user_id, score, passed, graded, updated_at, institution_id)
VALUES (%(assessment_id)s, %(user_id)s, %(score)s, %(passed)s, %(graded)s, %(at)s,
        %(institution_id)s)
ON CONFLICT (assessment_id, user_id) DO UPDATE
SET score = excluded.score, passed = excluded.passed, graded = excluded.graded,
    updated_at = excluded.updated_at

-- name: score
SELECT {score} FROM assessment_scores
WHERE assessment_id = %(assessment_id)s AND user_id = %(user_id)s
  AND institution_id = %(institution_id)s

-- name: scores
SELECT {score}, user_id AS id FROM assessment_scores
WHERE assessment_id = %(assessment_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (updated_at, user_id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY updated_at, user_id
LIMIT %(rows)s

-- name: longest_extension
SELECT coalesce(max(extension_s), 0) AS seconds FROM accommodations
WHERE course_id = %(course_id)s
  AND (assessment_id = %(assessment_id)s OR assessment_id IS NULL)

-- name: record_change
INSERT INTO grade_history (id, institution_id, submission_id, question_id, before, after, reason,
                           why_sealed, regrade_id, changed_by)
VALUES (%(id)s, %(institution_id)s, %(submission_id)s, %(question_id)s, %(before)s, %(after)s,
        %(reason)s, %(why_sealed)s, %(regrade_id)s, %(changed_by)s)

-- name: history
SELECT {entry.entry}, submission.user_id, learner.wrapped_key
FROM grade_history AS entry
JOIN submissions AS submission ON submission.id = entry.submission_id
LEFT JOIN person_keys AS learner ON learner.user_id = submission.user_id
WHERE entry.submission_id = %(submission_id)s AND entry.institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (entry.created_at, entry.id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY entry.created_at, entry.id
LIMIT %(rows)s
