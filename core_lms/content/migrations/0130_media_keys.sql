-- The key of an institution's files: a Tink keyset (AES256_GCM_HKDF_1MB) wrapped by the master key.
-- Without its row no file of the institution can be read, in no backup of the objects either.
CREATE TABLE media_keys (
    institution_id UUID PRIMARY KEY,
    wrapped_keyset BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
SELECT tenant_table('media_keys');
-- Made once; wrapping it anew is the operator's.
REVOKE UPDATE, DELETE ON media_keys FROM learnstream_app;
