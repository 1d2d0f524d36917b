-- name: person
SELECT person.role, person.status, array_remove(ARRAY[
    CASE WHEN person.id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = person.id AND verified_at IS NOT NULL
    ) THEN 'guardian' END,
    CASE WHEN EXISTS (
        SELECT FROM enrollments AS enrollment
        JOIN courses AS course ON course.id = enrollment.course_id
        WHERE enrollment.user_id = person.id AND enrollment.status <> 'dropped'
          AND (course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id))
    ) THEN 'instructor' END
], NULL) AS relations
FROM users AS person
WHERE person.id = %(user_id)s AND person.institution_id = %(institution_id)s
