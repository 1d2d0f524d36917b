-- One message (`batch`) that turned out to be refused: remove what it added, found by all its fields.
DELETE FROM kafka_event WHERE rowid = (
    SELECT min(e.rowid) FROM kafka_event e, batch b
    WHERE e.event_id = b.event_id::UUID AND e.moment = b.timestamp::TIMESTAMP
      AND e.item_id IS NOT DISTINCT FROM b.payload.item_id::UUID
      AND e.kind IS NOT DISTINCT FROM b.payload.kind);
DELETE FROM kafka_payload WHERE rowid = (
    SELECT min(e.rowid) FROM kafka_payload e, batch b
    WHERE e.event_id = b.event_id::UUID AND e.moment = b.timestamp::TIMESTAMP);
