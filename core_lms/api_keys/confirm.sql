-- name: api_key.created
SELECT FROM api_keys WHERE id = %(api_key_id)s

-- name: api_key.revoked
SELECT FROM api_keys WHERE id = %(api_key_id)s AND revoked_at IS NOT NULL
