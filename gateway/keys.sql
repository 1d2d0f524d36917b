-- name: keys
SELECT kid, public_jwk, private_sealed, signs_from, retired_at FROM signing_keys
ORDER BY signs_from, kid

-- name: lock
SELECT pg_advisory_xact_lock(hashtext('signing_keys'))

-- name: insert
INSERT INTO signing_keys (kid, public_jwk, private_sealed, signs_from)
VALUES (%(kid)s, %(public_jwk)s, %(private_sealed)s, %(signs_from)s)

-- name: retire
UPDATE signing_keys SET retired_at = least(retired_at, %(retired_at)s) WHERE kid = %(kid)s

-- name: forget
DELETE FROM signing_keys WHERE retired_at < %(before)s
