-- about: the feature store has each learner's newest engagement
-- covers: features.learner_engagement
-- key: institution_id, user_id
-- from: snapshot
-- name: expected
-- As of the learner's newest event; every feature is one pass over all learners, where the stream
-- asks for one learner at a time.
WITH who AS (
    SELECT e.institution_id, e.user_id, max(moment) AS as_of
    FROM distinct_events e JOIN featured f ON f.user_id = e.user_id AND f.kept = 'all'
    WHERE (own OR event_type = 'assessment.graded')
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
