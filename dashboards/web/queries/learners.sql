-- Learners worth a look: who studied in the last days, newest first, then who joined lately.
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
LIMIT 24;
