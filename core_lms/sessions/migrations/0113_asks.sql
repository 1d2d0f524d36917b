-- What strangers ask for by an e-mail address: a way in, an account. Written down sealed, and answered
-- by a loop, so that the asker's request does the same work whether the address has an account.
CREATE TABLE asks (
    id UUID PRIMARY KEY,
    kind VARCHAR(20) NOT NULL CHECK (kind IN ('reset', 'register')),
    sealed BYTEA NOT NULL, -- by the master key; the row lives for a moment
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
CREATE INDEX asks_in_order ON asks (created_at);
SELECT tenant_table('asks');

-- Of all institutions, for the loop that answers them one by one.
CREATE FUNCTION asks_waiting(most INTEGER)
RETURNS TABLE (id UUID, institution_id UUID)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    DELETE FROM asks WHERE created_at < now() - INTERVAL '1 hour'; -- what cannot be answered
    SELECT id, institution_id FROM asks ORDER BY created_at LIMIT most
$$;
REVOKE ALL ON FUNCTION asks_waiting FROM PUBLIC;
GRANT EXECUTE ON FUNCTION asks_waiting TO learnstream_app;
