-- One message (`batch`) that turned out to be refused: it was counted once, by all that is known of it.
DELETE FROM kafka_event WHERE rowid = (
    SELECT min(e.rowid) FROM kafka_event e, batch b
    WHERE e.event_id = b.event_id::UUID AND e.moment = b.timestamp::TIMESTAMP
      AND e.item_id IS NOT DISTINCT FROM b.payload.item_id::UUID
      AND e.kind IS NOT DISTINCT FROM b.payload.kind);
DELETE FROM kafka_told WHERE rowid = (
    SELECT min(e.rowid) FROM kafka_told e, batch b
    WHERE e.event_id = b.event_id::UUID AND e.moment = b.timestamp::TIMESTAMP);
