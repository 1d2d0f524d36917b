-- Keys of machines. The key itself is shown once and never stored: it has 256 random bits, so its
-- SHA-256 is as good as a slow hash, and is what a request is looked up by.
CREATE TABLE api_keys (
    id UUID PRIMARY KEY,
    name VARCHAR(255) NOT NULL, -- what it is for, as its owner calls it
    start VARCHAR(12) NOT NULL, -- its first characters, to tell keys apart
    hash BYTEA NOT NULL,
    scopes TEXT[] NOT NULL CHECK (cardinality(scopes) > 0), -- actions: item.read, course.*, *
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ, -- to the minute
    revoked_at TIMESTAMPTZ,
    created_by UUID REFERENCES users(id), -- NULL: a machine
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_of_institution ON api_keys (institution_id, created_at, id);
SELECT tenant_table('api_keys');

-- Who comes with a key is not known to be of any tenant yet: only who has the key finds its row. Notes
-- the use at most once a minute, so that a busy key does not write with each request.
CREATE FUNCTION api_key_in_use(of_hash BYTEA)
RETURNS TABLE (id UUID, institution_id UUID, scopes TEXT[], expires_at TIMESTAMPTZ)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE api_keys SET last_used_at = now()
    WHERE hash = of_hash AND revoked_at IS NULL AND (api_keys.expires_at > now()) IS NOT FALSE
      AND (last_used_at > now() - INTERVAL '1 minute') IS NOT TRUE;
    SELECT key.id, key.institution_id, key.scopes, key.expires_at
    FROM api_keys AS key
    WHERE key.hash = of_hash AND key.revoked_at IS NULL
      AND (key.expires_at > now()) IS NOT FALSE
$$;
REVOKE ALL ON FUNCTION api_key_in_use FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api_key_in_use TO learnstream_app;
