-- name: keys
SELECT kid, public_jwk, private_sealed, signs_from, retired_at FROM signing_keys
ORDER BY signs_from

-- name: lock
SELECT pg_advisory_xact_lock(hashtext('signing_keys'))

-- name: insert
INSERT INTO signing_keys (kid, public_jwk, private_sealed)
VALUES (%(kid)s, %(public_jwk)s, %(private_sealed)s)
