-- name: insert
INSERT INTO api_keys (id, name, start, hash, scopes, expires_at, created_by, institution_id)
VALUES (%(id)s, %(name)s, %(start)s, %(hash)s, %(scopes)s, %(expires_at)s, %(created_by)s,
        %(institution_id)s)
RETURNING *

-- name: get
SELECT * FROM api_keys WHERE id = %(id)s

-- name: list
SELECT * FROM api_keys
WHERE %(after_first)s::timestamptz IS NULL
   OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at, id
LIMIT %(rows)s

-- name: revoke
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s RETURNING *

-- name: in_use
SELECT id, institution_id, scopes, expires_at FROM api_key_in_use(%(hash)s)
