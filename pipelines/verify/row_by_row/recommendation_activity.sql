-- about: events about offers per arm, model, source, position and day are counted right
-- covers: recommendation_activity
-- key: institution_id, arm, model, source, position, day_at
-- name: expected
SELECT institution_id, coalesce(payload.arm, 'none') AS arm, coalesce(payload.model, 'none') AS model,
       coalesce(payload.source, 'none') AS source, payload."position"::INTEGER AS "position",
       date_trunc('day', moment)::TIMESTAMP AS day_at,
       count(*) FILTER (WHERE event_type = 'recommendation.shown') AS shown,
       count(*) FILTER (WHERE event_type = 'recommendation.clicked') AS clicked,
       count(*) FILTER (WHERE event_type = 'recommendation.dismissed') AS dismissed,
       count(*) FILTER (WHERE event_type = 'recommendation.converted') AS converted
FROM distinct_payloads WHERE event_type LIKE 'recommendation.%' GROUP BY ALL
-- name: found
SELECT institution_id, coalesce(nullif(arm, ''), 'none') AS arm,
       coalesce(nullif(model, ''), 'none') AS model, coalesce(nullif(source, ''), 'none') AS source,
       position, day_at AT TIME ZONE 'UTC' AS day_at,
       sum(shown)::bigint AS shown, sum(clicked)::bigint AS clicked,
       sum(dismissed)::bigint AS dismissed, sum(converted)::bigint AS converted
FROM recommendation_activity GROUP BY 1, 2, 3, 4, 5, 6
HAVING sum(shown) + sum(clicked) + sum(dismissed) + sum(converted) <> 0
