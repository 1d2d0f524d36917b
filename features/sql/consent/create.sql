-- What people said about personalization, as the LMS's events tell it; nobody in it: the default.
CREATE TABLE IF NOT EXISTS features.consent (
    user_id    text        PRIMARY KEY,
    given      boolean     NOT NULL,
    changed_at timestamptz NOT NULL
)
