-- name: claim
INSERT INTO idempotency_keys (resource_id, fingerprint, institution_id)
VALUES (%(id)s, %(fingerprint)s, %(institution_id)s)
ON CONFLICT (resource_id) DO NOTHING

-- name: fingerprint
SELECT fingerprint FROM idempotency_keys WHERE resource_id = %(id)s
