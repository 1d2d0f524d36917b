-- The moments at which a view's rows of the past are made: each entity's last of every day (UTC) on
-- which the stream would have published its row, or each one. Events ahead of their time do not count.

-- name: learner_activity
SELECT user_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE topic = 'lms.content.events' AND user_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

-- name: item_popularity
SELECT item_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE topic = 'lms.content.events' AND event_type = 'content.viewed' AND item_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

-- name: learner_engagement
SELECT user_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE {moves} AND user_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

-- name: item_quality
SELECT item_id AS entity_id, institution_id, bucket_at AS at FROM item_engagement
WHERE bucket_at >= %(since)s AND bucket_at < %(until)s AND bucket_at <= now()
