-- name: insert
INSERT INTO api_keys (id, name, start, hash, scopes, expires_at, created_by, made_with, service,
                      institution_id)
VALUES (%(id)s, %(name)s, %(start)s, %(hash)s, %(scopes)s, %(expires_at)s, %(created_by)s,
        %(made_with)s, %(service)s, %(institution_id)s)
RETURNING {key}

-- name: get
SELECT {key} FROM api_keys WHERE id = %(id)s

-- name: list
SELECT {key} FROM api_keys
WHERE %(after_first)s::timestamptz IS NULL
   OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at, id
LIMIT %(rows)s

-- name: revoke
-- With the keys that it made, and those that they made; returns those that end by it.
WITH RECURSIVE ended AS (
    SELECT id FROM api_keys WHERE id = %(id)s
    UNION
    SELECT key.id FROM api_keys AS key JOIN ended ON key.made_with = ended.id
)
UPDATE api_keys SET revoked_at = now()
WHERE id IN (SELECT id FROM ended) AND revoked_at IS NULL
RETURNING id

-- name: in_use
-- The valid key of this hash, whichever institution it is of.
SELECT {key_in_use}
FROM api_key_in_use(%(hash)s)

-- As the owner of the tables, at setup. What the key may do follows the code.
-- name: ensure_service
INSERT INTO api_keys (id, name, start, hash, scopes, service, institution_id)
VALUES (%(id)s, %(name)s, %(start)s, %(hash)s, %(scopes)s, %(service)s, %(institution_id)s)
ON CONFLICT (hash) DO UPDATE SET scopes = excluded.scopes
WHERE api_keys.scopes <> excluded.scopes
RETURNING id

-- name: of_services
-- Keys of our own services that count.
SELECT {key} FROM api_keys
WHERE service IS NOT NULL AND institution_id = %(institution_id)s
  AND revoked_at IS NULL AND (expires_at > now()) IS NOT FALSE
ORDER BY service, created_at, id

-- name: supersede
-- The service's other keys end at that moment, or sooner where they were to.
UPDATE api_keys SET expires_at = least(coalesce(expires_at, %(ends_at)s), %(ends_at)s)
WHERE service = %(service)s AND institution_id = %(institution_id)s AND id <> %(id)s
  AND revoked_at IS NULL
