-- Which request made which resource: a repeated key is answered, a key with another body refused.
CREATE TABLE idempotency_keys (
    resource_id UUID PRIMARY KEY, -- derived from institution, kind of resource and the key
    fingerprint BYTEA NOT NULL, -- of the request's route and body
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
