-- name: analytics
-- What is read: the institution, the courses somebody teaches, or themselves. Unless it was said,
-- teachers read their courses and all others themselves.
SELECT coalesce(%(scope)s::text, CASE WHEN taught.any THEN 'courses' ELSE 'self' END) AS scope,
    array_remove(ARRAY[
        CASE WHEN taught.any THEN 'instructor' END,
        CASE WHEN %(caller_id)s::uuid IS NOT NULL THEN 'self' END
    ], NULL) AS relations
FROM (
    SELECT EXISTS (
        SELECT FROM courses AS course
        WHERE course.institution_id = %(institution_id)s
          AND (course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id))
    ) AS any
) AS taught
