-- about: events of an hour by type and institution
-- source: the archive
-- key: bucket_at, institution_id, topic, event_type
-- column bucket_at timestamp with time zone: start of the hour (UTC)
-- column institution_id uuid:
-- column topic text:
-- column event_type text: type, as the contract names it
-- column events bigint:
SELECT bucket_at, institution_id, topic, event_type, events FROM public.activity_by_hour
