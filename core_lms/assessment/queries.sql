-- name: insert
INSERT INTO assessments (id, institution_id, course_id, kind, title, due_at, weight, required)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(kind)s, %(title)s, %(due_at)s, %(weight)s,
        %(required)s)
RETURNING *

-- name: get
SELECT * FROM assessments WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: list
SELECT * FROM assessments
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: with_course
SELECT assessment.kind, assessment.course_id, course.status AS course_status
FROM assessments AS assessment
JOIN courses AS course ON course.id = assessment.course_id
WHERE assessment.id = %(id)s AND assessment.institution_id = %(institution_id)s

-- name: submit
INSERT INTO submissions (id, institution_id, assessment_id, user_id, course_id, submitted_at)
VALUES (%(id)s, %(institution_id)s, %(assessment_id)s, %(user_id)s, %(course_id)s,
        %(submitted_at)s)
RETURNING *

-- name: submission
SELECT * FROM submissions WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock_submission
SELECT submission.*, assessment.kind
FROM submissions AS submission
JOIN assessments AS assessment ON assessment.id = submission.assessment_id
WHERE submission.id = %(id)s AND submission.institution_id = %(institution_id)s
FOR NO KEY UPDATE OF submission

-- name: grade
UPDATE submissions
SET score = %(score)s, graded_at = %(graded_at)s, graded_by = %(graded_by)s
WHERE id = %(id)s
RETURNING *

-- name: give_feedback
INSERT INTO feedback (id, institution_id, submission_id, given_by, body)
VALUES (%(id)s, %(institution_id)s, %(submission_id)s, %(given_by)s, %(text)s)
RETURNING *, body AS text

-- name: feedback
SELECT *, body AS text FROM feedback WHERE id = %(id)s AND institution_id = %(institution_id)s
