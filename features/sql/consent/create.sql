-- What people said about the purposes that features serve, as the LMS's events carry it; nobody in it:
-- the default. Until now it held personalization alone.
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
