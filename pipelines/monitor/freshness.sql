-- From the moment an event was recorded, which an identifier of version 7 carries (RFC 9562 §5.7), to
-- its arrival in the archive; of what came within the last five minutes. Imports have named ids.
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
    ORDER BY extract(epoch FROM received_at)::float8
             - ('x' || left(replace(event_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0::float8
)
FROM activity_events
WHERE timestamp > now() - INTERVAL '1 hour' AND received_at > now() - INTERVAL '5 minutes'
  AND uuid_extract_version(event_id) = 7
