-- Tables with rows of ours, and what the planner remembers of their values. Chunks of hypertables are
-- read with their tables.
-- name: tables
SELECT nspname, relname, relkind::text
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema')
  AND nspname NOT LIKE '\_timescaledb%' AND nspname NOT LIKE 'pg\_t%'
UNION ALL SELECT 'pg_catalog', 'pg_stats', 'v'
ORDER BY 1, 2

-- What has a file in this database: tables, chunks, indexes, what is too long for a row; with the
-- table that it belongs to.
-- name: files
SELECT file.oid::regclass::text, format('%s.%s', nspname, of_table.relname),
       pg_relation_filepath(file.oid)
FROM pg_class AS file
LEFT JOIN pg_index ON indexrelid = file.oid
LEFT JOIN pg_class AS toasted ON toasted.reltoastrelid = coalesce(indrelid, file.oid)
LEFT JOIN pg_inherits ON inhrelid = coalesce(toasted.oid, indrelid, file.oid)
JOIN pg_class AS of_table
    ON of_table.oid = coalesce(inhparent, toasted.oid, indrelid, file.oid)
JOIN pg_namespace ON pg_namespace.oid = of_table.relnamespace
WHERE file.relkind IN ('r', 'i', 't', 'm') AND pg_relation_filepath(file.oid) LIKE 'base/%'
