-- about: every valid event of every topic, once
-- source: the archive
-- key: event_id
-- column event_id uuid: the event
-- column event_type text: type, as the contract names it
-- column topic text:
-- column timestamp timestamp with time zone: when it happened
-- column institution_id uuid:
-- column user_id uuid:
-- column course_id uuid:
-- column item_id uuid:
-- column kind text: the payload's kind
-- column clicks integer: the payload's clicks
-- column source_service text: the service that emitted it
-- column schema_version smallint: version of the type's schema
-- column payload jsonb: the event's payload as validated
-- column received_at timestamp with time zone: when it was archived
SELECT event_id, event_type, topic, timestamp, institution_id, user_id, course_id, item_id, kind,
       clicks, source_service, schema_version, payload, received_at
FROM public.activity_events
