-- name: api_key
SELECT '{}'::text[] AS relations FROM api_keys
WHERE id = %(api_key_id)s AND institution_id = %(institution_id)s
