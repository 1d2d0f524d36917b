-- The moments of an enrollment: the earliest or the latest event, so the order of arrival does not
-- matter. The funnel subtracts, per day, what these moments were before this step and adds what they
-- are after it.
INSERT INTO learner_course_delta (institution_id, course_id, user_id, enrolled_at, last_enrolled_at,
    first_activity_at, completed_at, dropped_at, more)
SELECT n.*
FROM (
    SELECT institution_id, course_id, user_id,
           min(at) FILTER (WHERE event_type = 'enrollment.created') AS enrolled_at,
           max(at) FILTER (WHERE event_type = 'enrollment.created') AS last_enrolled_at,
           min(at) FILTER (WHERE event_type = 'active') AS first_activity_at,
           min(at) FILTER (WHERE event_type = 'course.completed') AS completed_at,
           max(at) FILTER (WHERE event_type = 'enrollment.dropped') AS dropped_at,
           bool_or(event_type <> 'active') AS more
    FROM (
        SELECT 'active' AS event_type, institution_id, course_id, user_id, first_at AS at
        FROM learner_minute
        UNION ALL
        SELECT event_type, institution_id, course_id, user_id, at FROM payload_events
        WHERE event_type IN ('enrollment.created', 'enrollment.progressed', 'enrollment.dropped',
            'course.completed')
    ) AS moments
    GROUP BY 1, 2, 3
) AS n
LEFT JOIN learner_course t USING (course_id, user_id, institution_id)
WHERE more OR t.first_activity_at IS NULL OR n.first_activity_at < t.first_activity_at;

INSERT INTO learner_course_before
SELECT b.* FROM learner_course b JOIN learner_course_delta USING (course_id, user_id, institution_id);

INSERT INTO learner_course AS t (institution_id, course_id, user_id, enrolled_at, last_enrolled_at,
    first_activity_at, completed_at, dropped_at)
SELECT institution_id, course_id, user_id, enrolled_at, last_enrolled_at, first_activity_at,
       completed_at, dropped_at
FROM learner_course_delta
ON CONFLICT (course_id, user_id, institution_id) DO UPDATE SET
    enrolled_at = least(t.enrolled_at, EXCLUDED.enrolled_at),
    last_enrolled_at = greatest(t.last_enrolled_at, EXCLUDED.last_enrolled_at),
    first_activity_at = least(t.first_activity_at, EXCLUDED.first_activity_at),
    completed_at = least(t.completed_at, EXCLUDED.completed_at),
    dropped_at = greatest(t.dropped_at, EXCLUDED.dropped_at);

UPDATE learner_course t
SET progress = p.progress, progress_at = p.at, progress_event_id = p.event_id
FROM (SELECT DISTINCT ON (institution_id, course_id, user_id) institution_id, course_id, user_id,
             at, event_id, (payload ->> 'progress')::float8 AS progress
      FROM payload_events WHERE event_type = 'enrollment.progressed'
      ORDER BY institution_id, course_id, user_id, at DESC, event_id DESC) AS p
WHERE t.course_id = p.course_id AND t.user_id = p.user_id AND t.institution_id = p.institution_id
  AND (t.progress_at IS NULL OR (p.at, p.event_id) > (t.progress_at, t.progress_event_id));

INSERT INTO enrollment_funnel_day AS t (bucket_at, institution_id, course_id, enrolled, started,
    completed, dropped)
SELECT * FROM (
    SELECT date_bin('1 day', at, 'epoch'), institution_id, course_id,
           coalesce(sum(n) FILTER (WHERE what = 'enrolled'), 0) AS enrolled,
           coalesce(sum(n) FILTER (WHERE what = 'started'), 0) AS started,
           coalesce(sum(n) FILTER (WHERE what = 'completed'), 0) AS completed,
           coalesce(sum(n) FILTER (WHERE what = 'dropped'), 0) AS dropped
    FROM (
        SELECT -1 AS n, * FROM learner_course_before
        UNION ALL
        SELECT 1, a.* FROM learner_course a
        JOIN learner_course_delta USING (course_id, user_id, institution_id)
    ) AS before_and_after,
    LATERAL (VALUES ('enrolled', enrolled_at), ('started', first_activity_at),
                    ('completed', completed_at), ('dropped', dropped_at)) AS moments(what, at)
    WHERE at IS NOT NULL
    GROUP BY 1, 2, 3
) AS added
WHERE (enrolled, started, completed, dropped) <> (0, 0, 0, 0)
ON CONFLICT (course_id, bucket_at, institution_id) DO UPDATE SET
    enrolled = t.enrolled + EXCLUDED.enrolled, started = t.started + EXCLUDED.started,
    completed = t.completed + EXCLUDED.completed, dropped = t.dropped + EXCLUDED.dropped;

-- A moment that moved to an earlier day may leave a day with nothing.
DELETE FROM enrollment_funnel_day t
USING (SELECT DISTINCT course_id FROM learner_course_before) AS moved
WHERE t.course_id = moved.course_id AND (enrolled, started, completed, dropped) = (0, 0, 0, 0);
