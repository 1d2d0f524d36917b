-- name: alone
SELECT pg_try_advisory_lock(%s) AS alone

-- `settled`: moved long enough ago to be searched a second time, and nothing that goes out names them.
-- name: open
SELECT user_id, pseudonym, moved_at,
       moved_at < now() - make_interval(secs => %(settle_s)s) AND audited_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM outbox WHERE position(user_id::TEXT IN message) > 0)
       AND NOT EXISTS (SELECT FROM webhook_deliveries
                       WHERE status = 'due' AND position(user_id::TEXT IN message) > 0) AS settled
FROM erasures WHERE user_id IS NOT NULL ORDER BY erased_at LIMIT 100

-- name: moved
UPDATE erasures SET moved_at = now() WHERE user_id = ANY (%s) AND moved_at IS NULL

-- name: finish
UPDATE erasures SET finished_at = now(), user_id = NULL, pseudonym = NULL WHERE user_id = ANY (%s)

-- name: left
SELECT count(*) AS rows FROM erasures WHERE user_id IS NOT NULL

-- What was sent, or never will be, and is only kept to be looked at.
-- name: told
DELETE FROM webhook_deliveries WHERE status <> 'due' AND message LIKE %(pattern)s

-- name: analytics
SELECT move_person(%s, %s, %s)

-- name: tables
SELECT nspname AS schema, relname AS table FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind = 'r' ORDER BY relname

-- name: analytical_tables
SELECT DISTINCT nspname AS schema, relname AS table
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid IN (SELECT target FROM columns_of_people())
   OR pg_class.oid = 'activity_events'::regclass
