-- name: course
SELECT course.status, array_remove(ARRAY[
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END,
    CASE WHEN EXISTS (
        SELECT FROM enrollments AS enrollment
        WHERE enrollment.course_id = course.id AND enrollment.user_id = %(caller_id)s
          AND enrollment.status <> 'dropped'
    ) THEN 'learner' END,
    CASE WHEN %(about)s::uuid = %(caller_id)s THEN 'self' END
], NULL) AS relations
FROM courses AS course
WHERE course.id = %(course_id)s AND course.institution_id = %(institution_id)s
