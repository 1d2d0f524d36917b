-- name: item
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
FROM content_items AS item
JOIN courses AS course ON course.id = item.course_id
WHERE item.id = %(item_id)s AND item.course_id = %(course_id)s
  AND item.institution_id = %(institution_id)s

-- name: media
SELECT course.status AS course_status, array_remove(ARRAY[
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END,
    CASE WHEN EXISTS (
        SELECT FROM enrollments AS enrollment
        WHERE enrollment.course_id = course.id AND enrollment.user_id = %(caller_id)s
          AND enrollment.status <> 'dropped'
    ) THEN 'learner' END,
    CASE WHEN course.instructor_id = %(about)s::uuid OR teaches(%(about)s::uuid, course.id)
         THEN 'bound_instructor' END,
    CASE WHEN EXISTS (
        SELECT FROM enrollments AS enrollment
        WHERE enrollment.course_id = course.id AND enrollment.user_id = %(about)s::uuid
          AND enrollment.status <> 'dropped'
    ) THEN 'bound_learner' END,
    (SELECT 'bound_role_' || reader.role FROM users AS reader
     WHERE reader.id = %(about)s::uuid AND reader.status = 'active')
], NULL) AS relations
FROM media
JOIN courses AS course ON course.id = media.course_id
WHERE media.id = %(media_id)s AND media.institution_id = %(institution_id)s
  AND media.archived_at IS NULL
