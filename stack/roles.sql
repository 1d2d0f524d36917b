-- name: relations
-- Tables, views, sequences and functions, without what extensions brought.
SELECT what.place::regnamespace || '.' || what.name
FROM (SELECT 'pg_class'::regclass, oid, relnamespace, relname::text FROM pg_class
      WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
      UNION ALL
      SELECT 'pg_proc'::regclass, oid, pronamespace, oid::regprocedure::text FROM pg_proc
     ) AS what (catalog, id, place, name)
WHERE what.place = ANY (SELECT to_regnamespace(name) FROM unnest(%(schemas)s::text[]) AS name)
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = what.catalog AND objid = what.id
                    AND deptype = 'e')
ORDER BY 1

-- name: declared
SELECT obj_description(to_regnamespace(%(schema)s), 'pg_namespace')

-- name: declare
COMMENT ON SCHEMA {} IS {}

-- name: missing
SELECT name FROM unnest(%(roles)s::text[]) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)

-- name: create
CREATE ROLE {} NOSUPERUSER NOBYPASSRLS NOREPLICATION NOCREATEDB NOCREATEROLE

-- name: log_in
ALTER ROLE {} LOGIN PASSWORD {}

-- name: revoke
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {roles};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {roles};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM {roles};
REVOKE ALL ON SCHEMA {schema} FROM {roles}
