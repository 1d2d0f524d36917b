-- name: positions
SELECT topic, partition, next_offset FROM inbox_offsets WHERE consumer = %(consumer)s

-- name: register
-- A partition seen for the first time; another process may do the same at this moment.
INSERT INTO inbox_offsets (consumer, topic, partition, next_offset)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(next_offset)s)
ON CONFLICT (consumer, topic, partition) DO NOTHING

-- name: register_history
WITH history AS (
    INSERT INTO inbox_history (consumer, topic, upto_batch)
    VALUES (%(consumer)s, %(topic)s, %(upto)s) ON CONFLICT DO NOTHING
)
INSERT INTO inbox_offsets (consumer, topic, partition, next_offset)
VALUES (%(consumer)s, %(topic)s, -1, 0) ON CONFLICT (consumer, topic, partition) DO NOTHING

-- name: history
SELECT topic, upto_batch, next_offset
FROM inbox_history JOIN inbox_offsets USING (consumer, topic)
WHERE consumer = %(consumer)s AND partition = -1 ORDER BY topic

-- name: end_history
DELETE FROM inbox_history WHERE consumer = %(consumer)s AND topic = %(topic)s

-- name: hold
-- Bounds of this transaction: whoever stands still in it loses it, whoever waits too long gives up.
SELECT set_config('idle_in_transaction_session_timeout', %(hold)s, true),
       set_config('lock_timeout', %(hold)s, true)

-- name: lock
SELECT next_offset FROM inbox_offsets
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
FOR UPDATE

-- name: move
UPDATE inbox_offsets SET next_offset = %(next_offset)s, updated_at = now()
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s

-- name: fail
INSERT INTO inbox_failures
    (consumer, event_id, event_type, topic, partition, "offset", reason, message, history,
     institution_id)
VALUES (%(consumer)s, %(event_id)s, %(event_type)s, %(topic)s, %(partition)s, %(offset)s,
        %(reason)s, %(message)s, %(history)s, %(institution_id)s)
ON CONFLICT (consumer, event_id)
    DO UPDATE SET reason = EXCLUDED.reason, failed_at = now(), attempts = inbox_failures.attempts + 1

-- name: failures
SELECT consumer, event_id::text, event_type, topic, partition, "offset", reason, failed_at,
       attempts, institution_id::text
FROM inbox_failures
WHERE %(consumer)s::text IS NULL OR consumer = %(consumer)s
ORDER BY failed_at, event_id
LIMIT %(limit)s

-- name: take_failure
SELECT topic, message, history, institution_id::text FROM inbox_failures
WHERE consumer = %(consumer)s AND event_id = %(event_id)s
FOR UPDATE

-- name: drop_failure
DELETE FROM inbox_failures WHERE consumer = %(consumer)s AND event_id = %(event_id)s

-- name: failed_again
UPDATE inbox_failures SET reason = %(reason)s, attempts = attempts + 1, failed_at = now()
WHERE consumer = %(consumer)s AND event_id = %(event_id)s
