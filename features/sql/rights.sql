-- Who may do what in the schemas of the feature store: the process that pushes writes history and
-- what people said, and reads the registry, which the operator writes.
GRANT USAGE ON SCHEMA features, feast TO features, reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA features TO features;
GRANT SELECT ON ALL TABLES IN SCHEMA feast TO features;
