-- name: content.completed
SELECT FROM content_completions
WHERE user_id = %(user_id)s AND item_id = %(item_id)s AND course_id = %(course_id)s

-- name: forum.posted
SELECT FROM content_views
WHERE id = %(post_id)s AND event_type = 'forum.posted' AND user_id = %(user_id)s
  AND item_id = %(item_id)s AND course_id = %(course_id)s
