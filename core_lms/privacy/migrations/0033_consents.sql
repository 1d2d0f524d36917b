-- What somebody agreed to or took back, one row per change: the newest of a purpose counts, and the
-- older ones are the proof of what was agreed when. Where there is none, the deployment's default
-- does (LMS_PRIVACY_DEFAULT_CONSENT).
CREATE TABLE consents (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id),
    purpose VARCHAR(32) NOT NULL,
    given BOOLEAN NOT NULL,
    changed_by TEXT NOT NULL, -- 'user/<id>': the person, a guardian, an administrator
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    institution_id UUID NOT NULL
);
CREATE INDEX consents_of_user ON consents (user_id, purpose, created_at);
SELECT tenant_table('consents');
REVOKE UPDATE, DELETE ON consents FROM learnstream_app;
