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

-- name: bypasses
SELECT current_user, role.rolsuper OR role.rolbypassrls OR EXISTS (
    SELECT FROM pg_class
    WHERE relname = 'users' AND relnamespace = 'public'::regnamespace
      AND pg_has_role(current_user, relowner, 'USAGE')
)
FROM pg_roles AS role WHERE role.rolname = current_user

-- name: person
SELECT users.institution_id, status, array_remove(array_agg(role_name || '@' || scope), NULL)
FROM users
LEFT JOIN user_roles AS had ON had.user_id = users.id AND scope IN ('global', 'institution')
WHERE users.id = %(user_id)s AND erased_at IS NULL
GROUP BY users.id
