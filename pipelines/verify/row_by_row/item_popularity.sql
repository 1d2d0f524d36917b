-- about: the feature store has each item's newest totals
-- covers: features.item_popularity
-- key: institution_id, item_id
-- from: snapshot
-- name: expected
SELECT institution_id, item_id, max(moment) AS as_of, count(*) AS views_total,
       coalesce(sum(clicks), 0)::BIGINT AS clicks_total, max(moment) AS last_viewed_at
FROM distinct_events
WHERE event_type = 'content.viewed' AND item_id IS NOT NULL
  AND item_id NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
GROUP BY ALL
-- name: found
SELECT institution_id::UUID AS institution_id, item_id::UUID AS item_id,
       as_of AT TIME ZONE 'UTC' AS as_of, views_total, clicks_total,
       last_viewed_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS last_viewed_at
FROM history_item_popularity
WHERE item_id::UUID NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
