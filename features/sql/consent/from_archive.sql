-- Choices from before Kafka's first message, for a purpose that has no rows here yet.
INSERT INTO features.consent (user_id, purpose, given, changed_at)
SELECT DISTINCT ON (user_id, purpose) user_id::text, purpose, given, timestamp
FROM archived_consents AS archived
WHERE purpose = ANY(%(purposes)s)
  AND NOT EXISTS (SELECT FROM features.consent AS known WHERE known.purpose = archived.purpose)
ORDER BY user_id, purpose, timestamp DESC, event_id DESC
ON CONFLICT DO NOTHING
