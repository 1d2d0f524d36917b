-- What people said, for a feature store that begins after Kafka's first message: of the archive, this and
-- nothing else.
CREATE VIEW archived_consents AS
SELECT user_id, payload ->> 'purpose' AS purpose, event_type = 'consent.given' AS given, timestamp,
       event_id
FROM activity_events
WHERE topic = 'lms.users.events' AND event_type IN ('consent.given', 'consent.withdrawn');
