-- name: cut
SELECT greatest((SELECT max(batch_no) FROM archive_batches),
                (SELECT done_batch_no FROM derive_position), 0),
       (SELECT jsonb_agg(jsonb_build_array(topic, partition, next_offset)) FROM archive_offsets)

-- The order in which they came; within a batch that in which they happened.
-- name: rows
SELECT jsonb_build_object(
    'event_id', event_id, 'event_type', event_type,
    'timestamp', to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'source_service', source_service, 'schema_version', schema_version,
    'institution_id', institution_id, 'payload', payload)
FROM activity_events
WHERE topic = %(topic)s AND event_type = ANY (%(types)s) AND batch_no <= %(upto)s
ORDER BY batch_no, timestamp, event_id OFFSET %(after)s
