-- about: each learner's progress as of now is right
-- covers: learner_progress
-- key: institution_id, course_id, user_id
-- name: expected
WITH days AS (
    SELECT institution_id, course_id, user_id, bucket_at::DATE AS day, last_at,
           row_number() OVER (PARTITION BY institution_id, course_id, user_id ORDER BY bucket_at) AS nth
    FROM expected_learner_days),
streaks AS (
    SELECT institution_id, course_id, user_id, count(*) AS days, max(day) AS last_day,
           max(last_at) AS last_at
    FROM days GROUP BY institution_id, course_id, user_id, day - nth::INTEGER),
seen AS (
    SELECT institution_id, course_id, user_id, max(last_at) AS last_seen_at,
           sum(days)::BIGINT AS active_days, max(days) AS longest_streak_days,
           max(days) FILTER (WHERE last_day >= getvariable('now')::DATE - 1) AS current_streak_days
    FROM streaks GROUP BY ALL),
work AS (
    SELECT assessment_id, course_id, due_at, moment
    FROM (SELECT DISTINCT ON (payload.assessment_id) payload.assessment_id::UUID AS assessment_id,
                 course_id, payload.due_at::TIMESTAMP AS due_at, moment
          FROM distinct_payloads WHERE event_type IN ('assessment.created', 'assessment.updated')
          ORDER BY payload.assessment_id, moment DESC, event_id DESC)),
handed AS (
    SELECT course_id, user_id, count(DISTINCT assessment_id) AS submitted,
           count(*) FILTER (WHERE coalesce(late::BOOLEAN, submitted_at > due_at)) AS late,
           round(avg(score), 6) AS mean_score, round(nullif(regr_slope(score, nth), 'NaN'), 6) AS score_trend
    FROM (SELECT s.*, w.due_at, row_number() OVER (
                     PARTITION BY s.course_id, user_id ORDER BY submitted_at NULLS LAST, submission_id) AS nth
          FROM expected_submissions s LEFT JOIN work w USING (assessment_id))
    GROUP BY ALL),
-- Of a course's work with a date: how much there is, less what the learner has handed in of it.
dated AS (
    SELECT course_id, count(*) FILTER (WHERE due_at > getvariable('now')) AS due,
           count(*) FILTER (WHERE due_at <= getvariable('now')) AS missed
    FROM work GROUP BY ALL),
done AS (
    SELECT w.course_id, s.user_id, count(*) FILTER (WHERE due_at > getvariable('now')) AS due,
           count(*) FILTER (WHERE due_at <= getvariable('now')) AS missed
    FROM (SELECT DISTINCT assessment_id, user_id FROM expected_submissions) AS s
    JOIN work w USING (assessment_id) GROUP BY ALL)
SELECT m.institution_id, m.course_id, m.user_id, m.enrolled_at, m.first_activity_at,
       CASE WHEN m.completed_at IS NOT NULL THEN 'completed'
            WHEN m.dropped_at IS NOT NULL
                 AND (m.last_enrolled_at IS NULL OR m.dropped_at >= m.last_enrolled_at) THEN 'dropped'
            WHEN m.enrolled_at IS NOT NULL THEN 'enrolled' ELSE 'guest' END AS state,
       CASE WHEN m.completed_at IS NOT NULL THEN 100 ELSE coalesce(m.progress, 0) END AS progress,
       seen.last_seen_at, coalesce(seen.active_days, 0) AS active_days,
       coalesce(seen.current_streak_days, 0) AS current_streak_days,
       coalesce(seen.longest_streak_days, 0) AS longest_streak_days,
       coalesce(handed.submitted, 0) AS submitted, coalesce(handed.late, 0) AS late,
       coalesce(dated.due, 0) - coalesce(done.due, 0) AS due,
       coalesce(dated.missed, 0) - coalesce(done.missed, 0) AS missed,
       handed.mean_score, handed.score_trend
FROM expected_enrollment_moments m
LEFT JOIN seen USING (institution_id, course_id, user_id)
LEFT JOIN handed ON handed.course_id = m.course_id AND handed.user_id = m.user_id
LEFT JOIN dated ON dated.course_id = m.course_id
LEFT JOIN done ON done.course_id = m.course_id AND done.user_id = m.user_id
-- name: found
SELECT institution_id, course_id, user_id, enrolled_at AT TIME ZONE 'UTC' AS enrolled_at,
       first_activity_at AT TIME ZONE 'UTC' AS first_activity_at, status AS state,
       progress::float8 AS progress, last_seen_at AT TIME ZONE 'UTC' AS last_seen_at,
       active_days::bigint, current_streak_days::bigint, longest_streak_days::bigint, submitted, late,
       due, missed, round(mean_score, 6)::float8 AS mean_score,
       round(score_trend::numeric, 6)::float8 AS score_trend
FROM learner_progress
