-- name: measured
-- Whether there is a feature store, and we may read it.
SELECT EXISTS (
    SELECT FROM pg_class
    WHERE relname = 'drift' AND relnamespace = to_regnamespace('features')
      AND has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(pg_class.oid, 'SELECT')
)

-- name: newest
SELECT feature_view, feature, psi FROM features.drift
