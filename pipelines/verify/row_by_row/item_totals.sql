-- about: each item's totals of all time are right
-- covers: item_totals
-- key: institution_id, item_id
-- name: expected
SELECT institution_id, item_id, count(*) AS views, coalesce(sum(clicks), 0)::BIGINT AS clicks,
       max(moment) AS last_viewed_at
FROM distinct_events
WHERE event_type = 'content.viewed' AND item_id IS NOT NULL
  AND item_id NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
GROUP BY ALL
-- name: found
SELECT institution_id, item_id, views, clicks, last_viewed_at AT TIME ZONE 'UTC' AS last_viewed_at
FROM item_totals
WHERE item_id NOT IN (
    SELECT item_id FROM activity_events
    WHERE item_id IS NOT NULL AND timestamp > received_at + INTERVAL '5 minutes')
