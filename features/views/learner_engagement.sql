-- about: Activity, steadiness, mix, scores and lateness of a learner as of their newest event
-- check: the feature store has each learner's newest engagement
-- entity: learner
-- queue: learner_features_due
-- feature events_1h: int
-- feature events_1d: int
-- feature events_7d: int
-- feature events_28d: int
-- feature active_days_7d: int
-- feature active_days_28d: int
-- feature courses_28d: int
-- feature items_28d: int
-- feature trend: float, events of the last 7 days over those of an average week of the last 28 days
-- feature pause_hours: float, hours between the newest event and the one before it
-- feature streak_days: int, days in a row with an event, the newest one's included
-- feature share_completed_28d: float
-- feature share_video_28d: float
-- feature share_quiz_28d: float
-- feature share_forum_28d: float
-- feature submitted_28d: int
-- feature score_mean: float
-- feature score_last: float
-- feature score_trend: float
-- feature late_share: float
-- feature missed_total: int
-- feature due_7d: int

-- name: rows
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

-- name: newest
-- The events that make a learner's row due (feature_rows.sql): so the last row published is a function
-- of the archive, whatever else happened in between. Events from the future do not count.
SELECT d.entity_id, d.institution_id,
       (SELECT max(timestamp) FROM activity_events e
        WHERE e.user_id = d.entity_id AND e.timestamp <= now() + INTERVAL '5 min'
          AND ({own_action} OR e.event_type = 'assessment.graded')) AS as_of
FROM taken d

-- name: past
SELECT user_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE ({own_action} OR e.event_type = 'assessment.graded') AND user_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

-- name: expected
-- As of the learner's newest event; every feature is one pass over all learners, where the stream
-- asks for one learner at a time.
WITH who AS (
    SELECT e.institution_id, e.user_id, max(moment) AS as_of
    FROM distinct_events e JOIN featured f ON f.user_id = e.user_id AND f.kept = 'all'
    WHERE (own_action OR event_type = 'assessment.graded')
      AND e.user_id NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
    GROUP BY ALL),
did AS (
    SELECT w.institution_id, w.user_id,
           count(*) FILTER (WHERE moment > as_of - INTERVAL 1 HOUR) AS events_1h,
           count(*) FILTER (WHERE moment > as_of - INTERVAL 1 DAY) AS events_1d,
           count(*) FILTER (WHERE moment > as_of - INTERVAL 7 DAY) AS events_7d,
           count(*) AS events_28d,
           count(DISTINCT moment::DATE) FILTER (WHERE moment > as_of - INTERVAL 7 DAY) AS active_days_7d,
           count(DISTINCT moment::DATE) AS active_days_28d,
           count(DISTINCT course_id) AS courses_28d, count(DISTINCT item_id) AS items_28d,
           max(moment) FILTER (WHERE moment < as_of) AS before_at,
           count(*) FILTER (WHERE event_type = 'content.completed') AS completed,
           count(*) FILTER (WHERE kind = 'video') AS video,
           count(*) FILTER (WHERE kind = 'quiz') AS quiz, count(*) FILTER (WHERE kind = 'forum') AS forum
    FROM who w JOIN distinct_events e
        ON e.user_id = w.user_id AND e.institution_id = w.institution_id AND e.content
           AND e.moment > w.as_of - INTERVAL 28 DAY AND e.moment <= w.as_of
    GROUP BY ALL),
-- Days with an event, backwards from the newest moment's: the streak ends at the first gap.
days AS (
    SELECT w.institution_id, w.user_id, date_diff('day', d.day, w.as_of::DATE) AS ago,
           row_number() OVER (PARTITION BY w.institution_id, w.user_id ORDER BY d.day DESC) - 1 AS nth
    FROM who w JOIN (SELECT DISTINCT institution_id, user_id, bucket_at::DATE AS day
                     FROM expected_learner_days) AS d
        ON d.user_id = w.user_id AND d.institution_id = w.institution_id AND d.day <= w.as_of::DATE),
streak AS (
    SELECT institution_id, user_id, count(*) AS streak_days FROM days WHERE ago = nth GROUP BY ALL),
work AS (
    SELECT DISTINCT ON (payload.assessment_id) payload.assessment_id::UUID AS assessment_id, course_id,
           payload.due_at::TIMESTAMP AS due_at, moment AS told_at
    FROM distinct_payloads WHERE event_type IN ('assessment.created', 'assessment.updated')
    ORDER BY payload.assessment_id, moment DESC, event_id DESC),
handed AS (
    SELECT s.*, k.due_at, w.as_of, row_number() OVER (
               PARTITION BY s.user_id ORDER BY s.submitted_at, s.submission_id) AS nth
    FROM expected_submissions s
    JOIN who w ON w.user_id = s.user_id AND s.submitted_at <= w.as_of
    LEFT JOIN work k USING (assessment_id)),
scores AS (
    SELECT user_id, count(*) FILTER (WHERE submitted_at > as_of - INTERVAL 28 DAY) AS submitted_28d,
           round(avg(score) FILTER (WHERE graded_at <= as_of), 6) AS score_mean,
           -- The newest score; of two graded at once, that of the smaller submission.
           first(score ORDER BY graded_at DESC, submission_id) FILTER (WHERE graded_at <= as_of)
               AS score_last,
           round(nullif(regr_slope(score, nth) FILTER (WHERE graded_at <= as_of), 'NaN'), 6) AS score_trend,
           round(avg(coalesce(late, (submitted_at > due_at)::INTEGER)), 6) AS late_share
    FROM handed GROUP BY ALL),
set_ AS (
    SELECT w.user_id, count(*) FILTER (WHERE k.due_at <= w.as_of) AS missed_total,
           count(*) FILTER (WHERE k.due_at > w.as_of AND k.due_at <= w.as_of + INTERVAL 7 DAY) AS due_7d
    FROM who w
    JOIN expected_enrollment_moments c
        ON c.user_id = w.user_id AND c.institution_id = w.institution_id AND c.enrolled_at <= w.as_of
    JOIN work k ON k.course_id = c.course_id AND k.told_at <= w.as_of
    ANTI JOIN handed o ON o.assessment_id = k.assessment_id AND o.user_id = w.user_id
    GROUP BY ALL)
SELECT w.institution_id, w.user_id, w.as_of, coalesce(events_1h, 0) AS events_1h,
       coalesce(events_1d, 0) AS events_1d, coalesce(events_7d, 0) AS events_7d,
       coalesce(events_28d, 0) AS events_28d, coalesce(active_days_7d, 0) AS active_days_7d,
       coalesce(active_days_28d, 0) AS active_days_28d, coalesce(courses_28d, 0) AS courses_28d,
       coalesce(items_28d, 0) AS items_28d,
       round(events_7d / nullif(events_28d / 4.0, 0), 6)::DOUBLE AS trend,
       round(date_diff('microsecond', before_at, as_of) / 3.6e9, 6) AS pause_hours,
       coalesce(streak_days, 0) AS streak_days,
       round(completed / nullif(events_28d, 0)::DOUBLE, 6) AS share_completed_28d,
       round(video / nullif(events_28d, 0)::DOUBLE, 6) AS share_video_28d,
       round(quiz / nullif(events_28d, 0)::DOUBLE, 6) AS share_quiz_28d,
       round(forum / nullif(events_28d, 0)::DOUBLE, 6) AS share_forum_28d,
       coalesce(submitted_28d, 0) AS submitted_28d, score_mean, score_last, score_trend, late_share,
       coalesce(missed_total, 0) AS missed_total, coalesce(due_7d, 0) AS due_7d
FROM who w
LEFT JOIN did USING (institution_id, user_id)
LEFT JOIN streak USING (institution_id, user_id)
LEFT JOIN scores ON scores.user_id = w.user_id
LEFT JOIN set_ ON set_.user_id = w.user_id

-- name: found
SELECT institution_id::UUID AS institution_id, user_id::UUID AS user_id,
       as_of AT TIME ZONE 'UTC' AS as_of, events_1h, events_1d, events_7d, events_28d, active_days_7d,
       active_days_28d, courses_28d, items_28d, round(trend, 6) AS trend,
       round(pause_hours, 6) AS pause_hours, streak_days,
       round(share_completed_28d, 6) AS share_completed_28d, round(share_video_28d, 6) AS share_video_28d,
       round(share_quiz_28d, 6) AS share_quiz_28d, round(share_forum_28d, 6) AS share_forum_28d,
       submitted_28d, round(score_mean, 6) AS score_mean, score_last, round(score_trend, 6) AS score_trend,
       round(late_share, 6) AS late_share, missed_total, due_7d
FROM history_learner_engagement
WHERE user_id::UUID NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
  AND user_id::UUID NOT IN (SELECT user_id FROM featured WHERE kept = 'some')
