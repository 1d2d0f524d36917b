-- name: assessment
SELECT course.status AS course_status, array_remove(ARRAY[
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END,
    CASE WHEN EXISTS (
        SELECT FROM enrollments AS enrollment
        WHERE enrollment.course_id = course.id AND enrollment.user_id = %(caller_id)s
          AND enrollment.status <> 'dropped'
    ) THEN 'learner' END,
    CASE WHEN %(about)s::uuid = %(caller_id)s THEN 'self' END
], NULL) AS relations
FROM assessments AS assessment
JOIN courses AS course ON course.id = assessment.course_id
WHERE assessment.id = %(assessment_id)s AND assessment.institution_id = %(institution_id)s

-- name: submission
SELECT submission.score IS NOT NULL AS graded, submission.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN submission.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = submission.user_id AND verified_at IS NOT NULL
    ) THEN 'guardian' END,
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM submissions AS submission
JOIN courses AS course ON course.id = submission.course_id
WHERE submission.id = %(submission_id)s AND submission.institution_id = %(institution_id)s

-- name: bank
SELECT array_remove(ARRAY[
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM question_banks AS bank
JOIN courses AS course ON course.id = bank.course_id
WHERE bank.id = %(bank_id)s AND bank.institution_id = %(institution_id)s

-- name: question
SELECT array_remove(ARRAY[
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM questions AS question
JOIN courses AS course ON course.id = question.course_id
WHERE question.id = %(question_id)s AND question.institution_id = %(institution_id)s

-- name: attempt
SELECT attempt.status, attempt.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN attempt.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM attempts AS attempt
JOIN courses AS course ON course.id = attempt.course_id
WHERE attempt.id = %(attempt_id)s AND attempt.institution_id = %(institution_id)s
