-- Who may do what in the LMS's database: run by `learnstream migrate` after the migrations, for roles
-- that have nothing (stack/roles.py). The operator owns the tables and needs no line here.
DO $$
DECLARE
    target regclass;
BEGIN
    EXECUTE format(
        'REVOKE ALL ON DATABASE %1$I FROM PUBLIC, lms, inbox, relay, monitor, reader;
         GRANT CONNECT ON DATABASE %1$I TO learnstream_app, lms, inbox, relay, monitor, reader',
        current_database());
    -- Row-level security is the application's; who reads for the operator reads every tenant.
    FOR target IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
          AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'reader')
    LOOP
        EXECUTE format('CREATE POLICY reader ON %s FOR SELECT TO reader USING (true)', target);
    END LOOP;
    -- Old versions of rows that were moved go by VACUUM, which is no owner's secret since 17.
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO inbox;
    END IF;
END
$$;

-- The application: what each migration grants to learnstream_app, one tenant at a time.
GRANT learnstream_app TO lms, inbox;

-- The inbox also seals the audit log, of all tenants: takes from the queue, adds to the log.
GRANT SELECT, DELETE ON audit_queue TO inbox;
GRANT SELECT, INSERT ON audit_log TO inbox;
GRANT SELECT, INSERT ON audit_redactions TO inbox;
DROP POLICY IF EXISTS sealer ON audit_queue;
DROP POLICY IF EXISTS sealer ON audit_log;
CREATE POLICY sealer ON audit_queue TO inbox USING (true) WITH CHECK (true);
CREATE POLICY sealer ON audit_log TO inbox USING (true) WITH CHECK (true);

-- And moves erased people to their new ids (core_lms/privacy/moving.py): rows of others are changed by
-- functions alone, for an erasure that is open.
GRANT SELECT, UPDATE ON erasures TO inbox;
DROP POLICY IF EXISTS mover ON erasures;
CREATE POLICY mover ON erasures TO inbox USING (true) WITH CHECK (true);
GRANT EXECUTE ON FUNCTION erasures_to_move(DOUBLE PRECISION), move_texts_of_erased(UUID),
    redact_audit_log(UUID) TO inbox;

GRANT USAGE ON SCHEMA public TO relay, monitor, reader;

GRANT SELECT, DELETE ON outbox TO relay;
GRANT SELECT, UPDATE ON outbox_relay TO relay;
GRANT SELECT ON SEQUENCE outbox_id_seq TO relay;

-- Not INSERT on the outbox: that would be the right to say anything in the LMS's name.
GRANT EXECUTE ON FUNCTION append_heartbeat(TEXT) TO monitor;

-- Not pg_read_all_data: that reads what the server keeps of passwords, too.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO reader;
