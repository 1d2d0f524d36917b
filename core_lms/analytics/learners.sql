-- Of the analytical database, within the caller's scope: who studied in the last days, newest first,
-- then who joined lately.
-- name: lately
WITH studied AS (
    SELECT user_id, max(timestamp) AS last_at, count(*) AS events
    FROM activity_events
    WHERE topic = 'lms.content.events'
      AND timestamp > now() - INTERVAL '7 days' AND timestamp <= now()
    GROUP BY user_id
),
joined AS (
    SELECT DISTINCT user_id
    FROM activity_events
    WHERE topic = 'lms.users.events' AND event_type = 'user.created'
      AND payload ->> 'role' = 'student' AND timestamp > now() - INTERVAL '30 days'
)
SELECT user_id AS id, last_at, coalesce(events, 0) AS events
FROM studied FULL JOIN joined USING (user_id)
ORDER BY last_at DESC NULLS LAST, id
LIMIT %(limit)s

-- Of the analytical database: what one learner did last, on content, work and offers they followed.
-- name: activity
SELECT event_id, timestamp AS at, event_type, course_id, item_id, kind
FROM activity_events
WHERE user_id = %(user_id)s
  AND event_type NOT IN ('recommendation.shown', 'enrollment.progressed', 'user.created')
ORDER BY timestamp DESC, event_id
LIMIT 12

-- Those of the accounts who may be listed: with `courses`, who is in one of them.
-- name: people
SELECT users.*, person_keys.wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.id = ANY(%(ids)s::uuid[]) AND users.institution_id = %(institution_id)s
  AND erased_at IS NULL
  AND (%(courses)s::uuid[] IS NULL OR EXISTS (
      SELECT FROM enrollments
      WHERE enrollments.user_id = users.id AND enrollments.status <> 'dropped'
        AND enrollments.course_id = ANY(%(courses)s::uuid[])
  ))
  AND (users.id = %(caller_id)s
       OR EXISTS (
           SELECT FROM guardians
           WHERE guardian_id = %(caller_id)s AND learner_id = users.id AND verified_at IS NOT NULL
       )
       OR coalesce((
           SELECT given FROM consents
           WHERE consents.user_id = users.id AND purpose = 'analytics'
           ORDER BY consents.created_at DESC, consents.id DESC LIMIT 1
       ), %(by_default)s))

-- name: wards
SELECT learner_id AS id FROM guardians
WHERE guardian_id = %(caller_id)s AND verified_at IS NOT NULL
ORDER BY created_at, learner_id
LIMIT 10

-- name: titles
SELECT id, title, metadata ->> 'source' AS source FROM courses
WHERE id = ANY(%(ids)s::uuid[]) AND institution_id = %(institution_id)s
UNION ALL
SELECT id, title, metadata ->> 'source' FROM content_items
WHERE id = ANY(%(ids)s::uuid[]) AND institution_id = %(institution_id)s
