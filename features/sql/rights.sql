-- Who may do what in the schemas of the feature store: the process that pushes writes history and
-- people's consent, and reads the registry, which the operator writes.
GRANT USAGE ON SCHEMA features, feast TO features, reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA features TO features;
GRANT SELECT ON ALL TABLES IN SCHEMA feast TO features;
GRANT SELECT ON ALL TABLES IN SCHEMA features, feast TO reader;
-- The monitor shows how far features have drifted.
GRANT USAGE ON SCHEMA features TO monitor;
GRANT SELECT ON features.drift TO monitor;
-- The inbox moves erased people (core_lms/privacy/moving.py), and has the old rows vacuumed.
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT USAGE ON SCHEMA features TO inbox;
        GRANT MAINTAIN ON ALL TABLES IN SCHEMA features TO inbox;
    END IF;
END
$$;
