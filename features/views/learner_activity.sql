-- about: The item that a learner was on last
-- check: the feature store has each learner's newest item
-- entity: learner
-- queue: learner_activity_due
-- feature last_item_id: text
-- feature last_seen_at: text, ISO 8601 in UTC
-- trail: last_item_id by last_seen_at

-- name: rows
-- Of the learners in `wanted (entity_id, institution_id, as_of)`. Of equal moments the greatest item
-- counts, so that no order of arrival decides.
SELECT w.entity_id, w.institution_id, w.as_of, newest.item_id::text AS last_item_id,
       rtrim(rtrim(to_char(newest.timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'),
             '.') || 'Z' AS last_seen_at
FROM wanted w
CROSS JOIN LATERAL (
    SELECT item_id, timestamp FROM activity_events e
    WHERE e.user_id = w.entity_id AND e.timestamp <= w.as_of
      AND e.institution_id = w.institution_id AND e.topic = 'lms.content.events'
    ORDER BY timestamp DESC, item_id DESC LIMIT 1
) AS newest

-- name: newest
-- An event from the future does not move the newest moment: nothing would follow it.
SELECT d.entity_id, d.institution_id,
       (SELECT max(timestamp) FROM activity_events e
        WHERE e.user_id = d.entity_id AND e.topic = 'lms.content.events'
          AND e.timestamp <= now() + INTERVAL '5 min') AS as_of
FROM taken d

-- name: past
SELECT user_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE topic = 'lms.content.events' AND user_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

-- name: expected
SELECT e.institution_id, e.user_id, max(moment) AS as_of,
       arg_max(item_id, (moment, item_id::VARCHAR)) AS last_item_id, max(moment) AS last_seen_at
FROM distinct_events e JOIN featured f ON f.user_id = e.user_id AND f.kept = 'all'
WHERE content AND e.user_id NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
GROUP BY ALL

-- name: found
SELECT institution_id::UUID AS institution_id, user_id::UUID AS user_id,
       as_of AT TIME ZONE 'UTC' AS as_of, last_item_id::UUID AS last_item_id,
       last_seen_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS last_seen_at
FROM history_learner_activity
WHERE user_id::UUID NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
  AND user_id::UUID NOT IN (SELECT user_id FROM featured WHERE kept = 'some')
