-- about: each item's hour is right
-- covers: item_tiles
-- key: institution_id, course_id, item_id, hour_at
-- name: expected
WITH watched AS (
    SELECT institution_id, course_id, item_id, date_trunc('hour', moment)::TIMESTAMP AS hour_at,
           sum(floor((payload.to_s - payload.from_s) * 1000 + 0.5))::BIGINT AS watched_ms
    FROM distinct_payloads WHERE event_type = 'video.watched' AND payload.to_s > payload.from_s
    GROUP BY ALL),
used AS (
    SELECT institution_id, course_id, item_id, date_trunc('hour', moment)::TIMESTAMP AS hour_at,
           count(*) AS events, count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
           coalesce(sum(clicks), 0)::BIGINT AS clicks,
           count(*) FILTER (WHERE event_type = 'content.completed') AS completions,
           count(*) FILTER (WHERE event_type = 'content.downloaded') AS downloads,
           min(moment) AS first_at, max(moment) AS last_at
    FROM distinct_events WHERE content GROUP BY ALL)
SELECT used.*, coalesce(watched_ms, 0) AS watched_ms
FROM used LEFT JOIN watched USING (institution_id, course_id, item_id, hour_at)
-- name: found
SELECT institution_id, course_id, item_id, hour_at AT TIME ZONE 'UTC' AS hour_at,
       sum(events)::bigint AS events, sum(views)::bigint AS views, sum(clicks)::bigint AS clicks,
       sum(completions)::bigint AS completions, sum(downloads)::bigint AS downloads,
       min(first_at) AT TIME ZONE 'UTC' AS first_at, max(last_at) AT TIME ZONE 'UTC' AS last_at,
       round(sum(watched_s) * 1000)::bigint AS watched_ms
FROM item_tiles GROUP BY 1, 2, 3, 4 HAVING sum(events) <> 0
