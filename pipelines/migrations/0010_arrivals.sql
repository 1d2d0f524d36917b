-- How events arrived, by the hour of their arrival: written in the archive's transaction. A late one
-- happened more than an hour before it came, one of the future more than five minutes after; both
-- are counted where they belong, and here it can be seen that they came.
CREATE TABLE archive_arrivals (
    hour_at timestamptz NOT NULL,
    topic   text        NOT NULL,
    events  bigint      NOT NULL,
    late    bigint      NOT NULL,
    future  bigint      NOT NULL,
    PRIMARY KEY (hour_at, topic)
);
