-- The features of the learners in `wanted (entity_id, institution_id, as_of)`, each as known from
-- events until as_of: for the stream as_of is their newest event, for the past any moment.
SELECT w.entity_id, w.institution_id, w.as_of,
       a.events_1h, a.events_1d, a.events_7d, a.events_28d, a.active_days_7d, a.active_days_28d,
       a.courses_28d, a.items_28d,
       a.events_7d / nullif(a.events_28d / 4.0, 0)::float8 AS trend,
       extract(epoch FROM w.as_of - a.before_at)::float8 / 3600 AS pause_hours,
       s.streak_days,
       a.completed / nullif(a.events_28d, 0)::float8 AS share_completed_28d,
       a.video / nullif(a.events_28d, 0)::float8 AS share_video_28d,
       a.quiz / nullif(a.events_28d, 0)::float8 AS share_quiz_28d,
       a.forum / nullif(a.events_28d, 0)::float8 AS share_forum_28d,
       h.submitted_28d, h.score_mean, h.score_last, h.score_trend, h.late_share,
       d.missed_total, d.due_7d
FROM wanted w
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE timestamp > w.as_of - INTERVAL '1 hour') AS events_1h,
           count(*) FILTER (WHERE timestamp > w.as_of - INTERVAL '1 day') AS events_1d,
           count(*) FILTER (WHERE timestamp > w.as_of - INTERVAL '7 days') AS events_7d,
           count(*) AS events_28d,
           count(DISTINCT (timestamp AT TIME ZONE 'UTC')::date)
               FILTER (WHERE timestamp > w.as_of - INTERVAL '7 days') AS active_days_7d,
           count(DISTINCT (timestamp AT TIME ZONE 'UTC')::date) AS active_days_28d,
           count(DISTINCT course_id) AS courses_28d,
           count(DISTINCT item_id) AS items_28d,
           max(timestamp) FILTER (WHERE timestamp < w.as_of) AS before_at,
           count(*) FILTER (WHERE event_type = 'content.completed') AS completed,
           count(*) FILTER (WHERE kind = 'video') AS video,
           count(*) FILTER (WHERE kind = 'quiz') AS quiz,
           count(*) FILTER (WHERE kind = 'forum') AS forum
    FROM activity_events e
    WHERE e.user_id = w.entity_id AND e.topic = 'lms.content.events'
      AND e.timestamp > w.as_of - INTERVAL '28 days' AND e.timestamp <= w.as_of
      AND e.institution_id = w.institution_id
) AS a
CROSS JOIN LATERAL (
    -- Days in a row are those whose distance from the newest is their number less one.
    SELECT count(*) FILTER (WHERE apart = nth - 1) AS streak_days
    FROM (SELECT (w.as_of AT TIME ZONE 'UTC')::date - day AS apart,
                 row_number() OVER (ORDER BY day DESC) AS nth
          FROM (SELECT DISTINCT (bucket_at AT TIME ZONE 'UTC')::date AS day
                FROM learner_course_day l
                WHERE l.user_id = w.entity_id AND l.institution_id = w.institution_id
                  AND l.bucket_at <= w.as_of AND l.first_at <= w.as_of) AS of_days) AS numbered
) AS s
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE submitted_at > w.as_of - INTERVAL '28 days') AS submitted_28d,
           avg(score) FILTER (WHERE graded_at <= w.as_of)::float8 AS score_mean,
           ((array_agg(score ORDER BY graded_at DESC, submission_id)
               FILTER (WHERE graded_at <= w.as_of))[1])::float8 AS score_last,
           regr_slope(score::float8, nth::float8) FILTER (WHERE graded_at <= w.as_of)
               AS score_trend,
           avg(coalesce(late, submitted_at > due_at)::int)::float8 AS late_share
    FROM (SELECT o.*, k.due_at,
                 row_number() OVER (ORDER BY o.submitted_at, o.submission_id) AS nth
          FROM learner_submission o LEFT JOIN assessment_set k USING (assessment_id)
          WHERE o.user_id = w.entity_id AND o.submitted_at <= w.as_of) AS handed
) AS h
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE k.due_at <= w.as_of) AS missed_total,
           count(*) FILTER (WHERE k.due_at > w.as_of
                              AND k.due_at <= w.as_of + INTERVAL '7 days') AS due_7d
    FROM learner_course c
    JOIN assessment_set k USING (course_id)
    WHERE c.user_id = w.entity_id AND c.institution_id = w.institution_id
      AND c.enrolled_at <= w.as_of AND k.told_at <= w.as_of
      AND NOT EXISTS (SELECT FROM learner_submission o
                      WHERE o.assessment_id = k.assessment_id AND o.user_id = w.entity_id
                        AND o.submitted_at <= w.as_of)
) AS d
