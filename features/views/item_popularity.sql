-- about: Running totals over content.viewed per item
-- check: the feature store has each item's newest totals
-- entity: item
-- queue: item_totals_due
-- feature views_total: int
-- feature clicks_total: int
-- feature last_viewed_at: text, ISO 8601 in UTC

-- name: rows
-- The features of the items in `wanted (entity_id, institution_id, as_of)`. Asked as of an item's
-- newest view, the kept totals answer; for any other moment, and where a view from the future was
-- counted, the days before it and the archive of its day.
SELECT w.entity_id, w.institution_id, w.as_of, a.views AS views_total, a.clicks AS clicks_total,
       rtrim(rtrim(to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z'
           AS last_viewed_at
FROM wanted w
CROSS JOIN LATERAL (
    SELECT t.views, t.clicks, t.last_viewed_at AS at
    FROM item_totals t
    WHERE t.item_id = w.entity_id AND t.institution_id = w.institution_id
      AND t.last_viewed_at = w.as_of AND t.ahead = 0
    UNION ALL
    SELECT totals.views, totals.clicks, newest.at
    FROM (
        -- The archive is not kept by item: only days with a view are read, the last first.
        SELECT of_day.at
        FROM item_engagement i
        CROSS JOIN LATERAL (
            SELECT max(e.timestamp) AS at FROM activity_events e
            WHERE e.timestamp >= i.bucket_at AND e.timestamp <= w.as_of
              AND e.timestamp < i.bucket_at + INTERVAL '1 day' AND e.item_id = i.item_id
              AND e.institution_id = i.institution_id AND e.event_type = 'content.viewed'
        ) AS of_day
        WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
          AND i.views > 0 AND i.bucket_at <= w.as_of AND of_day.at IS NOT NULL
        ORDER BY i.bucket_at DESC LIMIT 1
    ) AS newest
    CROSS JOIN LATERAL (
        SELECT sum(views)::bigint AS views, sum(clicks)::bigint AS clicks
        FROM (SELECT views, clicks FROM item_engagement i
              WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
                AND i.bucket_at < date_trunc('day', w.as_of, 'UTC')
              UNION ALL
              SELECT count(*), coalesce(sum(clicks), 0) FROM activity_events e
              WHERE e.item_id = w.entity_id AND e.institution_id = w.institution_id
                AND e.event_type = 'content.viewed' AND e.timestamp <= w.as_of
                AND e.timestamp >= date_trunc('day', w.as_of, 'UTC')) AS counted
    ) AS totals
    LIMIT 1
) AS a

-- name: newest
SELECT d.entity_id, d.institution_id,
       (SELECT last_viewed_at FROM item_totals t
        WHERE t.item_id = d.entity_id AND t.institution_id = d.institution_id) AS as_of
FROM taken d

-- name: past
SELECT item_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE topic = 'lms.content.events' AND event_type = 'content.viewed' AND item_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

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
