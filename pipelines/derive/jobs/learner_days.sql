-- A learner's day in a course; first and last are by the events' own time. A day with events that
-- was not there before is new; steps of time alone belong to one that was. New rows are
-- inserted without a search for old ones: half the work. By learner, so that pages are reused.
WITH added AS (
    SELECT bucket_at, institution_id, course_id, user_id, sum(ms) AS ms, min(first_at) AS first_at,
           max(last_at) AS last_at
    FROM (
        SELECT date_bin('1 day', minute_at, 'epoch') AS bucket_at, institution_id, course_id,
               user_id, 0 AS ms, first_at, last_at
        FROM learner_minute
        UNION ALL
        SELECT date_bin('1 day', at, 'epoch'), institution_id, course_id, user_id, ms, NULL, NULL
        FROM time_delta
    ) AS deltas
    GROUP BY 1, 2, 3, 4
), marked AS MATERIALIZED (
    SELECT added.*, added.first_at IS NOT NULL AND b.user_id IS NULL AS novel
    FROM added LEFT JOIN day_before b USING (bucket_at, institution_id, course_id, user_id)
), begun AS (
    INSERT INTO learner_course_day (bucket_at, institution_id, course_id, user_id, time_on_task_ms,
        first_at, last_at)
    SELECT bucket_at, institution_id, course_id, user_id, ms, first_at, last_at
    FROM marked WHERE novel ORDER BY user_id, bucket_at
)
INSERT INTO learner_course_day AS t (bucket_at, institution_id, course_id, user_id, time_on_task_ms,
    first_at, last_at)
SELECT bucket_at, institution_id, course_id, user_id, ms, first_at, last_at
FROM marked WHERE NOT novel
ON CONFLICT (bucket_at, institution_id, course_id, user_id) DO UPDATE SET
    time_on_task_ms = t.time_on_task_ms + EXCLUDED.time_on_task_ms,
    first_at = least(t.first_at, EXCLUDED.first_at),
    last_at = greatest(t.last_at, EXCLUDED.last_at);
