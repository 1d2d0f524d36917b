-- The archive's content events as the jobs' view of the topic has them (contracts.flink.view): for a
-- job that is run again over the archive.
CREATE VIEW archived_content_events AS
SELECT event_id::text, event_type,
       to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS timestamp,
       source_service, schema_version::bigint AS schema_version, institution_id,
       institution_id::text AS institution,
       user_id::text, course_id::text, item_id::text, kind, clicks::bigint AS clicks,
       1::bigint AS weight, timestamp AS happened_at
FROM activity_events WHERE topic = 'lms.content.events';
