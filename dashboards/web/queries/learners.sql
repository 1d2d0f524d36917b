-- Learners that studied lately, newest first: whose recommendations are worth a look.
SELECT user_id AS id, max(timestamp) AS last_at, count(*) AS events
FROM activity_events
WHERE topic = 'lms.content.events'
  AND timestamp > now() - INTERVAL '7 days' AND timestamp <= now()
GROUP BY user_id
ORDER BY last_at DESC, id
LIMIT 24;
