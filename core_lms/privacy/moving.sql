-- name: alone
SELECT pg_try_advisory_lock(%s) AS alone

-- name: open
SELECT user_id, pseudonym, moved_at, settled AS due_again FROM erasures_to_move(%(after_s)s)

-- name: moved
UPDATE erasures SET moved_at = now() WHERE user_id = ANY (%s) AND moved_at IS NULL

-- name: finish
UPDATE erasures SET finished_at = now(), user_id = NULL, pseudonym = NULL WHERE user_id = ANY (%s)

-- name: left
SELECT count(*) AS rows FROM erasures WHERE user_id IS NOT NULL

-- name: texts
SELECT move_texts_of_erased(%s)

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
