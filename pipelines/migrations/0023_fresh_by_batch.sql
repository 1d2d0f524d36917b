-- A step of the derivation reads its new events by their batch: the newest end of this index.
CREATE INDEX activity_events_batch ON activity_events (batch_no);
