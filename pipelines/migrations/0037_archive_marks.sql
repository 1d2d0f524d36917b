-- Up to where the archive was complete now and then: the events of batches up to `batch_no` are those
-- before `offsets`, and no others. So whoever counts again what Kafka no longer has begins with the
-- archive up to a mark, and goes on in Kafka from its offsets. Written with a batch, once an hour.
CREATE TABLE archive_marks (
    batch_no  bigint      PRIMARY KEY,
    marked_at timestamptz NOT NULL DEFAULT now(),
    offsets   jsonb       NOT NULL,
    arrived   jsonb       NOT NULL
);
COMMENT ON COLUMN archive_marks.offsets IS 'topic → partition → the first offset that is not archived';
COMMENT ON COLUMN archive_marks.arrived IS 'topic → messages that had arrived, repeated ones as often';
