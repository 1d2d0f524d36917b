-- Tenants are separate in the database. The application connects as learnstream_app, which owns
-- nothing and cannot switch row-level security off; each of its transactions says for whom it works:
--   SELECT set_config('learnstream.institution_id', '…', true)
-- and sees and writes only that institution's rows. Who forgets to say so sees none. The tables'
-- owner (migrations, imports, the outbox relay) is not bound by it.
DO $$
BEGIN
    -- A role belongs to the server, not to one database: another database may have made it already.
    PERFORM pg_advisory_xact_lock(hashtext('learnstream_app'));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'learnstream_app') THEN
        CREATE ROLE learnstream_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
END
$$;

CREATE FUNCTION current_institution() RETURNS UUID
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('learnstream.institution_id', true), '')::UUID;

-- Every table with institution_id is handed over with this, in the migration that makes it.
CREATE FUNCTION tenant_table(target REGCLASS) RETURNS VOID
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s TO learnstream_app
                    USING (institution_id = (SELECT current_institution()))
                    WITH CHECK (institution_id = (SELECT current_institution()))', target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO learnstream_app', target);
END
$$;

-- A table that belongs to no tenant says why in its migration, and what the application may do.
CREATE FUNCTION shared_table(target REGCLASS, privileges TEXT) RETURNS VOID
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT %s ON %s TO learnstream_app', privileges, target);
END
$$;

GRANT USAGE ON SCHEMA public TO learnstream_app;

SELECT tenant_table('users');
SELECT tenant_table('user_roles');
SELECT tenant_table('courses');
SELECT tenant_table('enrollments');
SELECT tenant_table('content_items');
SELECT tenant_table('content_views');
SELECT tenant_table('content_completions');
SELECT tenant_table('assessments');
SELECT tenant_table('submissions');
SELECT tenant_table('feedback');
SELECT tenant_table('idempotency_keys');
-- The outbox is a queue to Kafka that nobody reads through the API; the envelopes name their tenant.
-- Health tells the age of the oldest row.
SELECT shared_table('outbox', 'INSERT');
SELECT shared_table('outbox', 'SELECT (id, created_at)');
