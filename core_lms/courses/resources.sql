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

-- name: cohort
SELECT course.status AS course_status, array_remove(ARRAY[
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END,
    CASE WHEN EXISTS (
        SELECT FROM cohort_members AS member
        WHERE member.cohort_id = cohort.id AND member.user_id = %(caller_id)s
    ) THEN 'member' END,
    CASE WHEN EXISTS (
        SELECT FROM enrollments AS enrollment
        WHERE enrollment.course_id = course.id AND enrollment.user_id = %(caller_id)s
          AND enrollment.status <> 'dropped'
    ) THEN 'learner' END
], NULL) AS relations
FROM cohorts AS cohort
JOIN courses AS course ON course.id = cohort.course_id
WHERE cohort.id = %(cohort_id)s AND cohort.institution_id = %(institution_id)s
