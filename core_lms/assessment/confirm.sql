-- name: assessment.created
SELECT FROM assessments WHERE id = %(assessment_id)s AND course_id = %(course_id)s

-- name: assessment.updated
SELECT FROM assessments WHERE id = %(assessment_id)s AND course_id = %(course_id)s

-- name: assessment.submitted
SELECT FROM submissions
WHERE id = %(submission_id)s AND assessment_id = %(assessment_id)s AND user_id = %(user_id)s
  AND course_id = %(course_id)s

-- name: assessment.question.graded
SELECT FROM submissions JOIN attempt_questions ON attempt_questions.attempt_id = submissions.id
WHERE submissions.id = %(submission_id)s AND assessment_id = %(assessment_id)s
  AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND attempt_questions.question_id = %(question_id)s AND points IS NOT NULL

-- name: assessment.graded
SELECT FROM submissions
WHERE id = %(submission_id)s AND assessment_id = %(assessment_id)s AND user_id = %(user_id)s
  AND course_id = %(course_id)s AND score IS NOT NULL

-- name: assessment.feedback.given
-- On the whole, or on an answer; whose text is forgotten, the row of it stays.
SELECT FROM submissions
WHERE id = %(submission_id)s AND assessment_id = %(assessment_id)s AND user_id = %(user_id)s
  AND course_id = %(course_id)s
  AND (EXISTS (SELECT FROM feedback
               WHERE submission_id = submissions.id AND given_by = %(given_by)s)
       OR EXISTS (SELECT FROM attempt_questions
                  WHERE attempt_id = submissions.id AND graded_by = %(given_by)s))
