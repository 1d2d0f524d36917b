-- When an event arrived is known to the archive alone, and to it only as long as it is kept.
SELECT date_trunc('hour', received_at) AT TIME ZONE 'UTC' AS bucket_at, institution_id,
       source_service AS source, count(*) AS events,
       max((extract(epoch FROM timestamp - received_at) * 1000)::bigint) AS most_ahead_ms
FROM activity_events, archive_kept
WHERE timestamp > received_at + INTERVAL '5 minutes' AND user_id IS NOT NULL
  AND received_at >= coalesce(begins_at, '-infinity')
GROUP BY 1, 2, 3
