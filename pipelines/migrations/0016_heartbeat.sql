-- How long an event takes from its commit in the LMS to rows that can be read: measured all the time
-- by a heartbeat that goes the same way (contracts.heartbeat, pipelines.monitor.heartbeat).

-- The newest heartbeat that was archived. One row, written in the transaction of the events that were
-- read with it; what is derived of them can be read once derive_position has come to batch_no.
CREATE TABLE archive_heartbeat (
    one          boolean     PRIMARY KEY DEFAULT true CHECK (one),
    heartbeat_id uuid        NOT NULL,
    sent_at      timestamptz NOT NULL,
    batch_no     bigint      NOT NULL
);

-- What the monitor measured, for panels and alerts; old rows are deleted by it.
CREATE TABLE commit_to_row (
    sent_at   timestamptz      NOT NULL,
    archive_s double precision NOT NULL,
    derive_s  double precision NOT NULL
);
CREATE INDEX commit_to_row_sent ON commit_to_row (sent_at);
COMMENT ON TABLE commit_to_row IS
    'a heartbeat that has not arrived has no row: the age of the newest one tells of it';
