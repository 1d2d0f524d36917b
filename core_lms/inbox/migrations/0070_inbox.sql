-- How far each background consumer has come. The row is locked while a batch is applied and moves in
-- the transaction of its effects, so an event is applied exactly once, whoever dies when.
CREATE TABLE inbox_offsets (
    consumer TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INT NOT NULL,
    next_offset BIGINT NOT NULL CHECK (next_offset >= 0), -- the first one not applied
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
-- A position belongs to the installation: one partition carries the events of many tenants.
SELECT shared_table('inbox_offsets', 'SELECT, INSERT, UPDATE');

-- Events that a consumer could not apply: set aside, so that the others go on, until somebody
-- repairs the cause and has them applied again (learnstream inbox retry).
CREATE TABLE inbox_failures (
    consumer TEXT NOT NULL,
    event_id UUID NOT NULL,
    event_type TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INT NOT NULL,
    "offset" BIGINT NOT NULL,
    reason TEXT NOT NULL, -- a sentence of ours, or the class of an unforeseen error
    message TEXT NOT NULL, -- the envelope: identifiers only
    failed_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    attempts INT NOT NULL DEFAULT 1,
    institution_id UUID NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
SELECT tenant_table('inbox_failures');
