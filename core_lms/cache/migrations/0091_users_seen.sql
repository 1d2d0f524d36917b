-- When a person last made a request; written behind, so it may lag by some seconds. Beside ``users``:
-- being seen is no change of the account.
CREATE TABLE users_seen (
    user_id UUID PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    institution_id UUID NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 70); -- rows are only ever updated, in place where the page has room

SELECT tenant_table('users_seen');
