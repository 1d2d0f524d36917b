-- about: the feature store has each person's consent
-- covers: features.consent
-- key: institution_id, user_id, purpose
-- from: snapshot
-- name: expected
SELECT institution_id, user_id, purpose, given, changed_at FROM consent_state
-- name: found
SELECT s.institution_id, c.user_id::UUID AS user_id, c.purpose, c.given,
       c.changed_at AT TIME ZONE 'UTC' AS changed_at
FROM stored_consent c LEFT JOIN consent_state s ON s.user_id = c.user_id::UUID AND s.purpose = c.purpose
