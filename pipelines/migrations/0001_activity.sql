-- The analytical database: the archive of every event, and what the Flink jobs keep of it.
-- Apache edition of TimescaleDB suffices: no compression, continuous aggregate or policy is used.
CREATE EXTENSION IF NOT EXISTS timescaledb;

-- Every event of every topic, once. `timestamp` and `payload` keep the envelope's names; the other
-- columns are lifted out of the payload where it has them, so that SQL over events reads plainly.
CREATE TABLE activity_events (
    event_id       uuid        NOT NULL,
    event_type     text        NOT NULL,
    topic          text        NOT NULL,
    timestamp      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    user_id        uuid,
    course_id      uuid,
    item_id        uuid,
    kind           text,
    clicks         integer,
    source_service text        NOT NULL,
    schema_version smallint    NOT NULL,
    payload        jsonb       NOT NULL,
    received_at    timestamptz NOT NULL
);
SELECT create_hypertable('activity_events', by_range('timestamp', INTERVAL '30 days'),
                         create_default_indexes => FALSE);
-- An event that a foreign producer sends twice is stored once.
CREATE UNIQUE INDEX activity_events_once ON activity_events (event_id, timestamp);
-- A learner's history in order: training sets, explanations, erasure.
CREATE INDEX activity_events_learner ON activity_events (user_id, timestamp);

-- Where the archive stands in each partition; written in the transaction that stores the rows.
CREATE TABLE archive_offsets (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Events and clicks per course, kind of content and bucket. The key begins with the bucket, so the
-- same index serves the upsert and every question about a span of time.
CREATE TABLE course_activity_minute (
    bucket_at      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    kind           text        NOT NULL,
    events         bigint      NOT NULL,
    clicks         bigint      NOT NULL,
    PRIMARY KEY (bucket_at, institution_id, course_id, kind)
);
CREATE TABLE course_activity_hour (LIKE course_activity_minute INCLUDING ALL);
CREATE TABLE course_activity_day (LIKE course_activity_minute INCLUDING ALL);
SELECT create_hypertable('course_activity_minute', by_range('bucket_at', INTERVAL '30 days'),
                         create_default_indexes => FALSE);
SELECT create_hypertable('course_activity_hour', by_range('bucket_at', INTERVAL '90 days'),
                         create_default_indexes => FALSE);
SELECT create_hypertable('course_activity_day', by_range('bucket_at', INTERVAL '365 days'),
                         create_default_indexes => FALSE);

-- Events and clicks per learner, course and day. A plain table: it is read by learner as often as
-- by time, and upserting into a hypertable costs a third more.
CREATE TABLE learner_course_day (
    bucket_at      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    course_id      uuid        NOT NULL,
    user_id        uuid        NOT NULL,
    events         bigint      NOT NULL,
    clicks         bigint      NOT NULL,
    PRIMARY KEY (bucket_at, institution_id, course_id, user_id)
);
CREATE INDEX learner_course_day_learner ON learner_course_day (user_id, bucket_at);
