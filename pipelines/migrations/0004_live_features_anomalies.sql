-- Events beside the distinct learners, so that live counters have a table to agree with.
ALTER TABLE course_learners_minute ADD COLUMN events bigint NOT NULL DEFAULT 0;
ALTER TABLE course_learners_hour ADD COLUMN events bigint NOT NULL DEFAULT 0;
ALTER TABLE course_learners_day ADD COLUMN events bigint NOT NULL DEFAULT 0;
UPDATE course_learners_minute t SET events = n FROM (
    SELECT date_trunc('minute', timestamp) AS b, institution_id AS i, course_id AS c, count(*) AS n
    FROM activity_events WHERE topic = 'lms.content.events' GROUP BY 1, 2, 3) AS s
WHERE (bucket_at, institution_id, course_id) = (b, i, c);
UPDATE course_learners_hour t SET events = n FROM (
    SELECT date_trunc('hour', bucket_at) AS b, institution_id AS i, course_id AS c, sum(events) AS n
    FROM course_learners_minute GROUP BY 1, 2, 3) AS s
WHERE (bucket_at, institution_id, course_id) = (b, i, c);
UPDATE course_learners_day t SET events = n FROM (
    SELECT date_trunc('day', bucket_at) AS b, institution_id AS i, course_id AS c, sum(events) AS n
    FROM course_learners_minute GROUP BY 1, 2, 3) AS s
WHERE (bucket_at, institution_id, course_id) = (b, i, c);

-- Whose feature rows are older than what is known of them.
CREATE TABLE learner_features_due (
    entity_id      uuid PRIMARY KEY,
    institution_id uuid NOT NULL
);
CREATE TABLE item_features_due (LIKE learner_features_due INCLUDING ALL);
CREATE INDEX item_engagement_item ON item_engagement (item_id, bucket_at);

-- Producers whose clock is ahead: events from the future, by the hour in which they arrived.
CREATE TABLE clock_skew (
    bucket_at      timestamptz NOT NULL,
    institution_id uuid        NOT NULL,
    source_service text        NOT NULL,
    events         bigint      NOT NULL,
    most_ahead_ms  bigint      NOT NULL,
    PRIMARY KEY (bucket_at, institution_id, source_service)
);

-- What is out of the ordinary in the week before a moment, by whole hours that are over: a course
-- of which far less or far more is heard than at the same hour of the four weeks before, and clocks
-- that are ahead. A function of a moment, so that it can be asked of any.
CREATE FUNCTION anomalies_at(moment timestamptz)
RETURNS TABLE (bucket_at timestamptz, institution_id uuid, what text, about text, found bigint,
               expected double precision)
LANGUAGE sql STABLE AS $$
    WITH courses AS (
        SELECT DISTINCT c.institution_id, c.course_id FROM course_learners_hour c
        WHERE c.bucket_at >= moment - INTERVAL '35 days' AND c.bucket_at < moment
    ), hours AS (
        SELECT generate_series(date_trunc('hour', moment) - INTERVAL '7 days',
                               date_trunc('hour', moment) - INTERVAL '1 hour',
                               INTERVAL '1 hour') AS bucket_at
    ), compared AS (
        SELECT h.bucket_at, c.institution_id, c.course_id,
               coalesce((SELECT n.events FROM course_learners_hour n
                         WHERE n.bucket_at = h.bucket_at AND n.institution_id = c.institution_id
                           AND n.course_id = c.course_id), 0) AS found,
               (SELECT coalesce(sum(n.events), 0) / 4.0
                FROM generate_series(1, 4) AS week
                JOIN course_learners_hour n ON n.bucket_at = h.bucket_at - week * INTERVAL '7 days'
                     AND n.institution_id = c.institution_id AND n.course_id = c.course_id
               )::float8 AS expected
        FROM courses c CROSS JOIN hours h
    )
    SELECT bucket_at, institution_id,
           CASE WHEN found < expected THEN 'drop' ELSE 'spike' END, course_id::text, found, expected
    FROM compared
    WHERE (expected >= 20 AND found < expected / 5) OR (found >= 100 AND found > expected * 5)
    UNION ALL
    SELECT bucket_at, institution_id, 'clock ahead', source_service, events,
           most_ahead_ms / 1000.0
    FROM clock_skew WHERE bucket_at >= moment - INTERVAL '7 days' AND bucket_at <= moment
$$;
CREATE VIEW anomalies AS SELECT * FROM anomalies_at(now());
COMMENT ON VIEW anomalies IS
    'expected: events at that hour on average; for a clock, the most seconds it was ahead';
