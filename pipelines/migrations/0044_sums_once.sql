-- What Flink sums is not summed again by the derivation: the views of these tables have the columns
-- still, of Flink's tables (pipelines/derive/tables.py, Sums).

-- One number stays, for `verify` to know whether Flink has counted what is derived.
ALTER TABLE derive_position ADD COLUMN content_events bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN derive_position.content_events IS 'events about content that are derived';
UPDATE derive_position SET content_events = (SELECT coalesce(sum(events), 0) FROM course_learners_day);

-- As before, of Flink's sums.
CREATE OR REPLACE FUNCTION anomalies_at(moment timestamptz)
RETURNS TABLE (bucket_at timestamptz, institution_id uuid, what text, about text, found bigint,
               expected double precision)
LANGUAGE sql STABLE AS $$
    WITH counted AS MATERIALIZED (
        SELECT a.bucket_at, a.institution_id, a.course_id, sum(a.events) AS events
        FROM course_activity_hour a
        WHERE a.bucket_at >= date_trunc('hour', moment) - INTERVAL '35 days' AND a.bucket_at < moment
        GROUP BY 1, 2, 3
    ), courses AS (
        SELECT DISTINCT c.institution_id, c.course_id FROM counted c
        WHERE c.bucket_at >= moment - INTERVAL '35 days'
    ), hours AS (
        SELECT generate_series(date_trunc('hour', moment) - INTERVAL '7 days',
                               date_trunc('hour', moment) - INTERVAL '1 hour',
                               INTERVAL '1 hour') AS bucket_at
    ), compared AS (
        SELECT h.bucket_at, c.institution_id, c.course_id,
               coalesce(sum(n.events) FILTER (WHERE week = 0), 0)::bigint AS found,
               (coalesce(sum(n.events) FILTER (WHERE week > 0), 0) / 4.0)::float8 AS expected
        FROM courses c CROSS JOIN hours h CROSS JOIN generate_series(0, 4) AS week
        LEFT JOIN counted n ON n.bucket_at = h.bucket_at - week * INTERVAL '7 days'
             AND n.institution_id = c.institution_id AND n.course_id = c.course_id
        GROUP BY 1, 2, 3
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

ALTER TABLE course_learners_minute DROP COLUMN events;
ALTER TABLE course_learners_hour DROP COLUMN events;
ALTER TABLE course_learners_day DROP COLUMN events;
ALTER TABLE learner_course_day
    DROP COLUMN events, DROP COLUMN clicks, DROP COLUMN views, DROP COLUMN completions;
ALTER TABLE item_engagement DROP COLUMN views, DROP COLUMN clicks, DROP COLUMN completions;

-- Of the features, item_windows has what was made of them, as of the moment of asking.
ALTER TABLE IF EXISTS features.item_quality
    DROP COLUMN IF EXISTS views_1d,
    DROP COLUMN IF EXISTS views_7d,
    DROP COLUMN IF EXISTS views_28d,
    DROP COLUMN IF EXISTS trend,
    DROP COLUMN IF EXISTS clicks_per_view_28d;
