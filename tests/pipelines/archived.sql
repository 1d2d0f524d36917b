-- The archive's rows of an institution as the messages they came in.
SELECT topic, jsonb_build_object(
           'event_id', event_id, 'event_type', event_type,
           'timestamp', replace(to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                                '.000000Z', 'Z'),
           'source_service', source_service, 'schema_version', schema_version,
           'institution_id', institution_id, 'payload', payload)::text
FROM activity_events WHERE institution_id = %s
