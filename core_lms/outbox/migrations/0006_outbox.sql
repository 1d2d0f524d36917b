-- Events on their way to Kafka (docs/adr/0001-outbox-relay.md), written with the state they tell of.
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order per key, never a position to resume at
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    message TEXT NOT NULL, -- the envelope, byte for byte as it is published
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
) WITH (
    -- A queue: every row dies within a second. Vacuum by count rather than by share, at full speed.
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 1000000
);

-- One row: which batch was last handed to Kafka, and which rows it held.
CREATE TABLE outbox_relay (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    outbox_id UUID NOT NULL DEFAULT gen_random_uuid(), -- a new database is a new outbox to Kafka
    batch_no BIGINT NOT NULL DEFAULT 0,
    row_ids BIGINT[] NOT NULL DEFAULT '{}', -- rows of batch_no; whether Kafka has them, Kafka knows
    published_no BIGINT NOT NULL DEFAULT 0, -- the last batch known to be in Kafka
    intended_at TIMESTAMPTZ
) WITH (fillfactor = 50);

INSERT INTO outbox_relay DEFAULT VALUES;
