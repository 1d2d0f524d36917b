-- Keys that sign access tokens. They belong to the installation, not to a tenant: a token names its
-- institution itself. The private half is sealed by the master keyset.
CREATE TABLE signing_keys (
    kid VARCHAR(64) PRIMARY KEY,
    public_jwk JSONB NOT NULL,
    private_sealed BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    signs_from TIMESTAMPTZ NOT NULL DEFAULT NOW(), -- published before it is used
    retired_at TIMESTAMPTZ -- no longer accepted
);
SELECT shared_table('signing_keys', 'SELECT, INSERT, UPDATE');
