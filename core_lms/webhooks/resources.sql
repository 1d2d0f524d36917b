-- name: webhook
SELECT status, '{}'::text[] AS relations FROM webhooks
WHERE id = %(webhook_id)s AND institution_id = %(institution_id)s
