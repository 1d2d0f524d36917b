-- What people said about personalization, as the LMS's events tell it; nobody in it: the default.
-- `erased` stays: a row of features that arrives late must not bring anybody back.
CREATE TABLE IF NOT EXISTS features.consent (
    user_id    text        PRIMARY KEY,
    given      boolean     NOT NULL,
    erased     boolean     NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL
)
