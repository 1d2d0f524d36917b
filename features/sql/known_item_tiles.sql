-- As known_learner_tiles, by item or (where `id` is null) by course: the columns as
-- pipelines/jobs/item_tiles.sql makes them.
SELECT n, max(institution_id::text) AS institution,
       CASE WHEN timestamp > at - INTERVAL '26 hours'
            THEN floor(extract(epoch FROM timestamp) / 3600)::bigint
            WHEN timestamp > at - INTERVAL '36 days'
            THEN floor(extract(epoch FROM timestamp) / 86400)::bigint * 24
            ELSE 0 END AS hour,
       count(*) AS events,
       count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
       coalesce(sum(clicks), 0)::bigint AS clicks,
       count(*) FILTER (WHERE event_type = 'content.completed') AS completions,
       count(*) FILTER (WHERE event_type = 'content.downloaded') AS downloads,
       coalesce(sum(floor(((payload ->> 'to_s')::float8 - (payload ->> 'from_s')::float8) * 1000 + 0.5))
           FILTER (WHERE event_type = 'video.watched'
                     AND (payload ->> 'to_s')::float8 > (payload ->> 'from_s')::float8), 0)::bigint
           AS watched_s,
       (extract(epoch FROM min(timestamp)) * 1000000)::bigint AS first_at,
       (extract(epoch FROM max(timestamp)) * 1000000)::bigint AS last_at
FROM (
    SELECT a.n, e.institution_id, e.timestamp, e.event_type, e.clicks, e.payload, a.at, e.received_at,
           e.source_service
    FROM asked a JOIN activity_events e ON e.item_id = a.id
    WHERE a.id IS NOT NULL AND e.topic = 'lms.content.events'
    UNION ALL
    SELECT a.n, e.institution_id, e.timestamp, e.event_type, e.clicks, e.payload, a.at, e.received_at,
           e.source_service
    FROM asked a JOIN activity_events e ON e.course_id = a.course_id
    WHERE a.id IS NULL AND e.topic = 'lms.content.events' AND e.item_id IS NOT NULL
) AS of_topic
WHERE at >= received_at OR source_service = 'importer' AND at >= timestamp + %(import_lag)s
GROUP BY n, hour
