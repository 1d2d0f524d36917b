-- What somebody can prove to be a person with: a password, or a link that was mailed to them.
CREATE TABLE credentials (
    user_id UUID PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL, -- Argon2id with its parameters and salt, in the PHC format
    changed_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
SELECT tenant_table('credentials');

-- One-time secrets of mailed links; only their hashes are here.
CREATE TABLE account_tokens (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    purpose VARCHAR(20) NOT NULL CHECK (purpose IN ('verify', 'reset')),
    token_hash BYTEA NOT NULL UNIQUE, -- SHA-256: the secret itself is random, nothing to guess
    email_index BYTEA, -- the address it was mailed to: it proves no other one
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
CREATE INDEX account_tokens_of_user ON account_tokens (user_id, purpose);
SELECT tenant_table('account_tokens');
