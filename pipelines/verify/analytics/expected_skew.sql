-- When an event arrived is known to the archive alone.
SELECT date_trunc('hour', received_at) AT TIME ZONE 'UTC' AS bucket_at, institution_id,
       source_service AS source, count(*) AS events,
       max((extract(epoch FROM timestamp - received_at) * 1000)::bigint) AS most_ahead_ms
FROM activity_events
WHERE timestamp > received_at + INTERVAL '5 minutes' AND user_id IS NOT NULL GROUP BY 1, 2, 3
