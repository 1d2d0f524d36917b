-- name: webhook.created
SELECT FROM webhooks WHERE id = %(webhook_id)s

-- name: webhook.updated
SELECT FROM webhooks WHERE id = %(webhook_id)s

-- name: webhook.disabled
SELECT FROM webhooks
WHERE id = %(webhook_id)s AND created_by IS NOT DISTINCT FROM %(user_id)s
  AND disabled_reason = %(reason)s

-- name: webhook.deleted
SELECT WHERE NOT EXISTS (SELECT FROM webhooks WHERE id = %(webhook_id)s)
