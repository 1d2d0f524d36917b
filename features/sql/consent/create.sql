-- People's choices about the purposes that features serve, from the LMS's events; a person without a
-- row gets the default. An earlier version of the table had personalization alone.
CREATE TABLE IF NOT EXISTS features.consent (
    user_id    text        NOT NULL,
    purpose    text        NOT NULL DEFAULT 'personalization',
    given      boolean     NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'features.consent'::regclass
                   AND attname = 'purpose') THEN
        ALTER TABLE features.consent ADD COLUMN purpose text NOT NULL DEFAULT 'personalization',
            DROP CONSTRAINT consent_pkey, ADD PRIMARY KEY (user_id, purpose);
    END IF;
END
$$
