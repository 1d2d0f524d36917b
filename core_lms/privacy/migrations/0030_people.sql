-- Personal data is sealed per person (docs/adr/0004-personal-data.md). The reference's columns stay,
-- and hold nothing that identifies anybody: email '<id>@sealed.invalid', name 'sealed', profile {}.
ALTER TABLE users
    ADD COLUMN email_encrypted BYTEA,   -- AES-256-GCM under the person's data key
    ADD COLUMN name_encrypted BYTEA,
    ADD COLUMN profile_encrypted BYTEA, -- a JSON object
    ADD COLUMN email_index BYTEA,       -- HMAC of the normalised address, for look-up
    ADD COLUMN erased_at TIMESTAMPTZ,   -- forgotten: key destroyed, nothing left to open
    ADD COLUMN directory_opt_out BOOLEAN NOT NULL DEFAULT FALSE; -- FERPA: no name to strangers

CREATE UNIQUE INDEX users_email_index ON users (institution_id, email_index);

-- The data key of each person, wrapped by the master key. Whoever is erased has none any more, and
-- with it nothing of theirs can be opened, in no backup either whose keys are gone.
CREATE TABLE person_keys (
    user_id UUID PRIMARY KEY REFERENCES users(id),
    wrapped_key BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
SELECT tenant_table('person_keys');

-- Who may see and do for a learner what the learner may; counts once the school has verified it.
CREATE TABLE guardians (
    guardian_id UUID NOT NULL REFERENCES users(id),
    learner_id UUID NOT NULL REFERENCES users(id),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    verified_at TIMESTAMPTZ,
    verified_by UUID REFERENCES users(id),
    institution_id UUID NOT NULL,
    PRIMARY KEY (learner_id, guardian_id),
    CHECK (guardian_id <> learner_id)
);
CREATE INDEX guardians_of_guardian ON guardians (guardian_id);
SELECT tenant_table('guardians');
