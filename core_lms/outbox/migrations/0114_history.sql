-- Whether an event tells of the past: an import says so, and the relay makes it a Kafka header.
ALTER TABLE outbox ADD COLUMN history BOOLEAN NOT NULL DEFAULT FALSE;
