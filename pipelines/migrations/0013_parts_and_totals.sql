-- The streaming jobs' tables are kept in parts, so that a state that has been forgotten is no loss:
-- a part is what the messages of one span of arrival add to a bucket (docs/adr/0011-parts.md). Readers
-- sum over the parts. Rows without parts were made by another plan: the jobs make them again from
-- the beginning of the topics.
TRUNCATE course_activity_minute, course_activity_hour, course_activity_day;
ALTER TABLE course_activity_minute ADD COLUMN part bigint NOT NULL DEFAULT 0;
ALTER TABLE course_activity_minute DROP CONSTRAINT course_activity_minute_pkey;
ALTER TABLE course_activity_minute ADD PRIMARY KEY (bucket_at, institution_id, course_id, kind, part);
ALTER TABLE course_activity_hour ADD COLUMN part bigint NOT NULL DEFAULT 0;
ALTER TABLE course_activity_hour DROP CONSTRAINT course_activity_hour_pkey;
ALTER TABLE course_activity_hour ADD PRIMARY KEY (bucket_at, institution_id, course_id, kind, part);
ALTER TABLE course_activity_day ADD COLUMN part bigint NOT NULL DEFAULT 0;
ALTER TABLE course_activity_day DROP CONSTRAINT course_activity_day_pkey;
ALTER TABLE course_activity_day ADD PRIMARY KEY (bucket_at, institution_id, course_id, kind, part);

-- Where the parts of the streaming jobs begin: what was before these offsets was counted from the
-- archive. Written in the transaction that swaps a rebuilt table in; no row: at the beginning.
CREATE TABLE stream_start (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    generation bigint  NOT NULL,
    offsets    jsonb   NOT NULL
);
COMMENT ON COLUMN stream_start.offsets IS 'topic → partition → the first offset that is counted';

CREATE OR REPLACE VIEW archived_content_events AS
SELECT event_id::text, event_type,
       to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS timestamp,
       source_service, schema_version::bigint AS schema_version, institution_id,
       institution_id::text AS institution,
       user_id::text, course_id::text, item_id::text, kind, clicks::bigint AS clicks,
       1::bigint AS weight, timestamp AS happened_at, batch_no
FROM activity_events WHERE topic = 'lms.content.events';

-- Running totals over content events, of all time. The newest is by the events' own time and leaves
-- out events that were ahead of our clock when they came; those are counted in `ahead` as well.
CREATE TABLE learner_totals (
    user_id        uuid   NOT NULL,
    institution_id uuid   NOT NULL,
    events         bigint NOT NULL,
    clicks         bigint NOT NULL,
    ahead          bigint NOT NULL,
    last_item_id   uuid,
    last_course_id uuid,
    last_seen_at   timestamptz,
    PRIMARY KEY (user_id, institution_id)
);
CREATE TABLE item_totals (
    item_id        uuid   NOT NULL,
    institution_id uuid   NOT NULL,
    views          bigint NOT NULL,
    clicks         bigint NOT NULL,
    ahead          bigint NOT NULL,
    last_viewed_at timestamptz,
    PRIMARY KEY (item_id, institution_id)
);
CREATE TABLE learner_totals_due (LIKE learner_features_due INCLUDING ALL);
CREATE TABLE item_totals_due (LIKE learner_features_due INCLUDING ALL);

-- What had been derived when this table was made.
INSERT INTO learner_totals
SELECT DISTINCT ON (user_id, institution_id) user_id, institution_id,
       count(*) OVER w, coalesce(sum(clicks) OVER w, 0), count(*) FILTER (WHERE early) OVER w,
       CASE WHEN NOT early THEN item_id END, CASE WHEN NOT early THEN course_id END,
       CASE WHEN NOT early THEN timestamp END
FROM (SELECT *, timestamp > received_at + INTERVAL '5 minutes' AS early FROM activity_events
      WHERE topic = 'lms.content.events'
        AND batch_no <= (SELECT done_batch_no FROM derive_position)) AS known
WINDOW w AS (PARTITION BY user_id, institution_id)
ORDER BY user_id, institution_id, early, timestamp DESC, item_id DESC, course_id DESC;
INSERT INTO item_totals
SELECT item_id, institution_id, count(*), coalesce(sum(clicks), 0),
       count(*) FILTER (WHERE early), max(timestamp) FILTER (WHERE NOT early)
FROM (SELECT *, timestamp > received_at + INTERVAL '5 minutes' AS early FROM activity_events
      WHERE event_type = 'content.viewed' AND topic = 'lms.content.events'
        AND batch_no <= (SELECT done_batch_no FROM derive_position)) AS known
GROUP BY 1, 2;
