-- What was brought from elsewhere: one row per source's content. It says what `verify` may expect,
-- and which presentations need not be brought again.
CREATE TABLE import_runs (
    id UUID PRIMARY KEY,
    institution_id UUID NOT NULL,
    source_path TEXT NOT NULL,
    content_hash CHAR(64) NOT NULL,
    format VARCHAR(20) NOT NULL,
    until_on DATE,              -- history before this day was imported; NULL: all of it
    presentations TEXT[] NOT NULL, -- 'AAA/2013J'; those another run brought are left out
    status VARCHAR(20) NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'finished')),
    rows JSONB NOT NULL DEFAULT '{}',   -- LMS rows made, by table
    events JSONB NOT NULL DEFAULT '{}', -- messages published, by event type
    figures JSONB NOT NULL DEFAULT '{}', -- seconds per phase, events per second
    replayed_until_on DATE,     -- held-back days before this one have come over HTTP
    started_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    finished_at TIMESTAMPTZ,
    UNIQUE (institution_id, content_hash)
);

-- The same for hours of study in fast motion: a finished one is not played again.
CREATE TABLE study_runs (
    id UUID PRIMARY KEY,
    institution_id UUID NOT NULL,
    name TEXT NOT NULL,
    seed BIGINT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL, -- virtual: the first moment studied
    minutes INTEGER NOT NULL,
    actions INTEGER,
    finished_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    UNIQUE (institution_id, name)
);
