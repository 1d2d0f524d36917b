-- name: unsubscription
SELECT ARRAY[]::text[] AS relations FROM users
WHERE id = %(user_id)s AND institution_id = %(institution_id)s
