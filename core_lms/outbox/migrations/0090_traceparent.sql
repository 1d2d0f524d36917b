-- The trace in which an event was written (W3C traceparent); the relay makes it a Kafka header.
ALTER TABLE outbox ADD COLUMN traceparent TEXT;
