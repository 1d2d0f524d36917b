-- Every foreign key between our tables, and what a person's tables look like; read from the catalogue
-- so that a table made tomorrow is covered.
-- name: foreign_keys
SELECT child.relname AS child, parent.relname AS parent,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute USING (attnum) WHERE attrelid = conrelid ORDER BY place) AS columns,
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute USING (attnum) WHERE attrelid = confrelid ORDER BY place)
           AS parent_columns
FROM pg_constraint
JOIN pg_class AS child ON child.oid = conrelid
JOIN pg_class AS parent ON parent.oid = confrelid
WHERE contype = 'f' AND pg_constraint.connamespace = 'public'::regnamespace
ORDER BY conname

-- name: columns
SELECT relname AS table, attname AS column, format_type(atttypid, NULL) AS type
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum
