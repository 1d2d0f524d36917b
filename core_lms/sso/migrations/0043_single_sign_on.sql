-- Where an institution lets its people log in: OpenID Connect providers.
CREATE TABLE identity_providers (
    id UUID PRIMARY KEY,
    name VARCHAR(40) NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'), -- in URLs
    title VARCHAR(255) NOT NULL, -- on the button
    issuer VARCHAR(500) NOT NULL,
    client_id VARCHAR(255) NOT NULL,
    client_secret_sealed BYTEA, -- by the master keyset; none: a public client, PKCE only
    token_auth VARCHAR(30) NOT NULL
        CHECK (token_auth IN ('client_secret_basic', 'client_secret_post', 'none')),
    scopes TEXT[] NOT NULL,
    redirect_uris TEXT[] NOT NULL, -- where the provider may send people back to
    provisions BOOLEAN NOT NULL, -- makes accounts for whom it brings
    links_by_email BOOLEAN NOT NULL, -- may bring people into accounts that are there already
    trusts_email BOOLEAN NOT NULL, -- its addresses are true although it does not say email_verified
    email_domains TEXT[] NOT NULL, -- of these only; empty: any
    enabled BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    UNIQUE (institution_id, name),
    CHECK ((token_auth = 'none') = (client_secret_sealed IS NULL))
);
SELECT tenant_table('identity_providers');

-- Who somebody is at a provider.
CREATE TABLE identities (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    provider_id UUID NOT NULL REFERENCES identity_providers(id) ON DELETE CASCADE,
    subject_index BYTEA NOT NULL, -- HMAC of issuer and subject: a subject may be an address
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_login_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    UNIQUE (institution_id, subject_index)
);
CREATE INDEX identities_of_user ON identities (user_id);
SELECT tenant_table('identities');
