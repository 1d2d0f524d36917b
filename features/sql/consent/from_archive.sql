-- What was said before Kafka's first message, for a store that begins anew.
INSERT INTO features.consent (user_id, given, changed_at)
SELECT DISTINCT ON (user_id) user_id::text, event_type = 'consent.given', timestamp
FROM activity_events
WHERE topic = 'lms.users.events' AND event_type IN ('consent.given', 'consent.withdrawn')
  AND payload ->> 'purpose' = 'personalization' AND NOT EXISTS (SELECT FROM features.consent)
ORDER BY user_id, timestamp DESC, event_id DESC
ON CONFLICT DO NOTHING
