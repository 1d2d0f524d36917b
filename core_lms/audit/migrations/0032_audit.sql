-- Who read or changed what about whom. A row is queued in the transaction of the act, so that there
-- is no act without its row and no row without its act; the application can insert and nothing else.
CREATE TABLE audit_queue (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    actor TEXT NOT NULL,    -- 'user/<id>', 'machine/<name>', 'service/<name>'
    action TEXT NOT NULL,   -- as the policies name it
    resource TEXT NOT NULL, -- 'course <id>'
    about UUID[] NOT NULL,  -- the people concerned
    session_id TEXT,
    institution_id UUID NOT NULL
) WITH ( -- a queue: every row leaves within a second
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0
);
SELECT tenant_table('audit_queue');
REVOKE SELECT, UPDATE, DELETE ON audit_queue FROM learnstream_app;

-- One sealer moves rows here, in its order: `hash` is SHA-256 over the hash of the row before and
-- the canonical form of this one (core_lms/audit/chain.py), so that no row can be changed, removed or
-- put in between without breaking the chain from there on.
CREATE TABLE audit_log (
    position BIGINT PRIMARY KEY CHECK (position > 0), -- 1, 2, 3, … without a gap
    id UUID NOT NULL UNIQUE,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    about UUID[] NOT NULL,
    session_id TEXT,
    institution_id UUID NOT NULL,
    sealed_at TIMESTAMPTZ NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX audit_log_about ON audit_log USING gin (about);
CREATE INDEX audit_log_actor ON audit_log (institution_id, actor, position);
CREATE INDEX audit_log_of_institution ON audit_log (institution_id, position);
SELECT tenant_table('audit_log');
REVOKE INSERT, UPDATE, DELETE ON audit_log FROM learnstream_app;

-- Against accidents of whoever owns the table; against intent there is the chain.
CREATE FUNCTION audit_log_is_append_only() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
