-- name: insert
INSERT INTO content_items (id, institution_id, course_id, kind, title, description, position,
                           required, metadata)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(kind)s, %(title)s, %(description)s,
        coalesce(%(position)s::int, (SELECT coalesce(max(position) + 1, 0) FROM content_items
                                     WHERE course_id = %(course_id)s)),
        %(required)s, %(metadata)s)
RETURNING *

-- name: get
SELECT * FROM content_items WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: list
SELECT * FROM content_items
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::int IS NULL
       OR (position, id) > (%(after_first)s::int, %(after_id)s::uuid))
ORDER BY position, id
LIMIT %(rows)s

-- name: with_course
SELECT item.kind, course.status AS course_status
FROM content_items AS item
JOIN courses AS course ON course.id = item.course_id
WHERE item.id = %(item_id)s AND item.course_id = %(course_id)s
  AND item.institution_id = %(institution_id)s

-- name: record
INSERT INTO content_views (id, institution_id, user_id, course_id, item_id, event_type, kind,
                           clicks, details, occurred_at)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(course_id)s, %(item_id)s, %(event_type)s,
        %(kind)s, %(clicks)s, %(details)s, %(occurred_at)s)
RETURNING *

-- name: recorded
SELECT * FROM content_views WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: complete
INSERT INTO content_completions (user_id, item_id, course_id, institution_id, completed_at)
VALUES (%(user_id)s, %(item_id)s, %(course_id)s, %(institution_id)s, %(at)s)
ON CONFLICT (user_id, item_id) DO NOTHING

-- name: completed_items
SELECT item_id, course_id, completed_at FROM content_completions
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
ORDER BY completed_at, item_id
