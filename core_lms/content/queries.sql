-- name: insert
INSERT INTO content_items (id, institution_id, course_id, kind, title, description, position,
                           required, metadata, module_id)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(kind)s, %(title)s, %(description)s,
        coalesce(%(position)s::int, (SELECT coalesce(max(position) + 1, 0) FROM content_items
                                     WHERE course_id = %(course_id)s)),
        %(required)s, %(metadata)s, %(module_id)s)
RETURNING {item}

-- name: get
SELECT {item} FROM content_items WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT {item} FROM content_items
WHERE id = %(id)s AND course_id = %(course_id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: opened
-- The item's own row, and when its module opens.
SELECT {item.item}, module.opens_at
FROM content_items AS item
LEFT JOIN course_modules AS module ON module.id = item.module_id
WHERE item.id = %(id)s AND item.course_id = %(course_id)s
  AND item.institution_id = %(institution_id)s

-- name: change
UPDATE content_items
SET title = %(title)s, description = %(description)s, module_id = %(module_id)s,
    required = %(required)s, metadata = %(metadata)s, updated_at = NOW()
WHERE id = %(id)s
RETURNING {item}

-- name: archive
UPDATE content_items SET archived_at = NOW(), updated_at = NOW() WHERE id = %(id)s RETURNING {item}

-- name: list
SELECT {item} FROM content_items
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL
  AND (%(after_first)s::int IS NULL
       OR (position, id) > (%(after_first)s::int, %(after_id)s::uuid))
ORDER BY position, id
LIMIT %(rows)s

-- name: place
-- All that recording asks, in one query: the item, its course, and the learner's enrollment that
-- counts (the one not dropped, else the one dropped last).
SELECT item.kind, item.metadata, item.archived_at, module.opens_at,
       course.status AS course_status, enrollment.status AS enrollment_status,
       enrollment.dropped_at,
       CASE WHEN %(writes)s THEN (SELECT wrapped_key FROM person_keys
                                  WHERE person_keys.user_id = %(user_id)s) END AS wrapped_key
FROM content_items AS item
JOIN courses AS course ON course.id = item.course_id
LEFT JOIN course_modules AS module ON module.id = item.module_id
LEFT JOIN LATERAL (
    SELECT status, dropped_at FROM enrollments
    WHERE user_id = %(user_id)s AND course_id = course.id
    ORDER BY status = 'dropped', created_at DESC
    LIMIT 1
) AS enrollment ON TRUE
WHERE item.id = %(item_id)s AND item.course_id = %(course_id)s
  AND item.institution_id = %(institution_id)s

-- name: record
INSERT INTO content_views (id, institution_id, user_id, course_id, item_id, event_type, kind,
                           clicks, details, text_sealed, occurred_at)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(course_id)s, %(item_id)s, %(event_type)s,
        %(kind)s, %(clicks)s, %(details)s, %(text_sealed)s, %(occurred_at)s)
RETURNING {recorded}

-- name: recorded
SELECT {recorded} FROM content_views WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: complete
INSERT INTO content_completions (user_id, item_id, course_id, institution_id, completed_at)
VALUES (%(user_id)s, %(item_id)s, %(course_id)s, %(institution_id)s, %(at)s)
ON CONFLICT (user_id, item_id) DO NOTHING

-- name: completed_items
SELECT item_id, course_id, completed_at FROM content_completions
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND (%(taught_by)s::uuid IS NULL OR runs_course(%(taught_by)s, course_id))
ORDER BY completed_at, item_id

-- name: watch
-- The union of all spans; concurrent ones of the same learner wait for each other here.
INSERT INTO video_progress (user_id, item_id, watched, position_s, institution_id)
VALUES (%(user_id)s, %(item_id)s, nummultirange(numrange(%(from_s)s, %(to_s)s)), %(to_s)s,
        %(institution_id)s)
ON CONFLICT (user_id, item_id) DO UPDATE
SET watched = video_progress.watched + excluded.watched, position_s = excluded.position_s,
    updated_at = NOW()

-- name: watched
-- Seconds seen at least once; what lies behind the end of the video is none of it.
SELECT coalesce(sum(upper(span) - lower(span)), 0)::float AS seconds
FROM video_progress, unnest(watched * nummultirange(numrange(0, %(duration_s)s))) AS span
WHERE user_id = %(user_id)s AND item_id = %(item_id)s AND institution_id = %(institution_id)s

-- name: resume
SELECT position_s::float AS position_s FROM video_progress
WHERE user_id = %(user_id)s AND item_id = %(item_id)s AND institution_id = %(institution_id)s

-- name: times
SELECT count(*) AS times FROM content_views
WHERE user_id = %(user_id)s AND course_id = %(course_id)s AND item_id = %(item_id)s
  AND event_type = %(event_type)s AND institution_id = %(institution_id)s

-- name: handed_in
SELECT EXISTS (SELECT FROM submissions
               WHERE user_id = %(user_id)s AND course_id = %(course_id)s
                 AND assessment_id = %(assessment_id)s
                 AND institution_id = %(institution_id)s)

-- name: posts
SELECT post.id, post.user_id, post.item_id, post.text_sealed, post.details ->> 'text' AS text,
       post.occurred_at, post.created_at, writer.wrapped_key
FROM content_views AS post
LEFT JOIN person_keys AS writer ON writer.user_id = post.user_id
WHERE post.course_id = %(course_id)s AND post.item_id = %(item_id)s
  AND post.event_type = 'forum.posted' AND post.institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (post.created_at, post.id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY post.created_at, post.id
LIMIT %(rows)s
