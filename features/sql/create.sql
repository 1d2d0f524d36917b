CREATE TABLE IF NOT EXISTS {table} (
    {entity}        text        NOT NULL,
    event_timestamp timestamptz NOT NULL,
    institution_id  text        NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY ({entity}, event_timestamp)
)
