-- about: events per hour, topic and type are counted right
-- covers: activity_by_hour
-- key: bucket_at, institution_id, topic, event_type
-- name: expected
SELECT date_trunc('hour', moment)::TIMESTAMP AS bucket_at, institution_id, topic, event_type,
       count(*) AS events
FROM distinct_events WHERE moment >= coalesce(getvariable('archive_begins_at'), '-infinity'::TIMESTAMP)
GROUP BY ALL
-- name: found
SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, topic, event_type, events
FROM activity_by_hour, archive_kept WHERE bucket_at >= coalesce(begins_at, '-infinity')
