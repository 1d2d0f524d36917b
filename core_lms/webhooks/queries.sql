-- name: insert
INSERT INTO webhooks (id, url, description, event_types, secret_sealed, created_by, institution_id)
VALUES (%(id)s, %(url)s, %(description)s, %(event_types)s, %(secret_sealed)s, %(created_by)s,
        %(institution_id)s)
RETURNING {webhook}

-- name: get
SELECT {webhook} FROM webhooks WHERE id = %(id)s

-- name: lock
SELECT {webhook} FROM webhooks WHERE id = %(id)s FOR UPDATE

-- name: list
SELECT {webhook} FROM webhooks
WHERE %(after_first)s::timestamptz IS NULL
   OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at, id
LIMIT %(rows)s

-- name: change
-- Whoever switches it on again begins anew.
UPDATE webhooks
SET url = %(url)s, description = %(description)s, event_types = %(event_types)s,
    status = %(status)s::text, updated_at = now(),
    failing_since = CASE WHEN %(status)s::text = 'active' AND status <> 'active'
                         THEN NULL ELSE failing_since END,
    disabled_at = CASE WHEN %(status)s::text = 'disabled' THEN disabled_at END,
    disabled_reason = CASE WHEN %(status)s::text = 'disabled' THEN disabled_reason END
WHERE id = %(id)s
RETURNING {webhook}

-- name: rotate
UPDATE webhooks
SET previous_sealed = secret_sealed, previous_until = %(previous_until)s,
    secret_sealed = %(secret_sealed)s, updated_at = now()
WHERE id = %(id)s
RETURNING {webhook}

-- name: delete
DELETE FROM webhooks WHERE id = %(id)s

-- name: disable
UPDATE webhooks SET status = 'disabled', disabled_at = %(at)s, disabled_reason = %(reason)s
WHERE id = %(id)s AND status <> 'disabled'
RETURNING {webhook}

-- name: bury
-- What a disabled address did not get yet is on the list of what could not be delivered.
UPDATE webhook_deliveries
SET status = 'dead', settled_at = %(at)s, last_error = coalesce(last_error, 'disabled')
WHERE webhook_id = %(id)s AND status = 'due'

-- name: wanted
-- Types, families and '*' that any address of the institution wants.
SELECT ARRAY(
    SELECT DISTINCT unnest(event_types) FROM webhooks
    WHERE status <> 'disabled' AND institution_id = %(institution_id)s
)

-- name: enqueue
-- An event that the inbox brings again is there already.
INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, message, institution_id)
SELECT id, %(event_id)s, %(event_type)s::text, %(message)s, institution_id
FROM webhooks
WHERE status <> 'disabled' AND institution_id = %(institution_id)s
  AND event_types && %(names)s::text[]
ON CONFLICT (webhook_id, event_id) DO NOTHING

-- name: due
SELECT {due}
FROM due_webhook_deliveries(%(now)s, %(of_each)s, %(at_most)s)

-- name: lease
UPDATE webhook_deliveries AS delivery
SET attempts = attempts + 1, next_attempt_at = %(until)s
FROM webhooks AS webhook
WHERE delivery.id = %(id)s AND delivery.status = 'due' AND delivery.next_attempt_at <= %(now)s
  AND webhook.id = delivery.webhook_id AND webhook.status = 'active'
RETURNING webhook_id, event_id, message, attempts, webhook.url, webhook.secret_sealed,
          webhook.previous_sealed, webhook.previous_until

-- name: delivered
UPDATE webhook_deliveries
SET status = 'delivered', settled_at = %(at)s, last_status = %(status)s, last_error = NULL
WHERE id = %(id)s

-- name: recovered
UPDATE webhooks SET failing_since = NULL WHERE id = %(id)s AND failing_since IS NOT NULL

-- name: failed
UPDATE webhook_deliveries
SET last_status = %(status)s, last_error = %(error)s, next_attempt_at = %(next_attempt_at)s,
    status = CASE WHEN %(dead)s THEN 'dead' ELSE status END,
    settled_at = CASE WHEN %(dead)s THEN %(at)s::timestamptz END
WHERE id = %(id)s

-- name: failing
UPDATE webhooks SET failing_since = coalesce(failing_since, %(at)s) WHERE id = %(id)s
RETURNING failing_since

-- name: deliveries
SELECT {a_delivery} FROM webhook_deliveries
WHERE webhook_id = %(webhook_id)s
  AND (%(status)s::text IS NULL OR status = %(status)s::text)
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: retry
-- One dead delivery, or all of them.
UPDATE webhook_deliveries
SET status = 'due', attempts = 0, next_attempt_at = now(), settled_at = NULL
WHERE webhook_id = %(webhook_id)s AND status = 'dead'
  AND (%(id)s::uuid IS NULL OR id = %(id)s::uuid)
RETURNING id

-- name: forget
SELECT forget_webhook_deliveries(%(delivered_before)s, %(dead_before)s) AS forgotten

-- name: all_dead
-- For the operator's command, which connects as the owner: all tenants.
SELECT {delivery.a_delivery}, webhook.status AS webhook_status
FROM webhook_deliveries AS delivery JOIN webhooks AS webhook ON webhook.id = delivery.webhook_id
WHERE delivery.status = 'dead'
ORDER BY delivery.created_at, delivery.id
LIMIT 1000
