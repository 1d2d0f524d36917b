SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, source_service AS source, events,
       most_ahead_ms
FROM clock_skew, archive_kept WHERE bucket_at >= coalesce(begins_at, '-infinity')
