-- about: how a learner is doing in a course, as of now
-- source: jobs enrollment_funnel, learner_days and assessments
-- key: institution_id, course_id, user_id
-- column institution_id uuid:
-- column course_id uuid:
-- column user_id uuid:
-- column enrolled_at timestamp with time zone: the first enrollment
-- column first_activity_at timestamp with time zone: the first event about content of the course
-- column status text: completed, dropped, enrolled or guest
-- column progress double precision: progress (percent)
-- column last_seen_at timestamp with time zone: the newest event about content of the course
-- column active_days numeric: days with an event (days)
-- column current_streak_days bigint: days in a row with an event, up to today or yesterday
-- column longest_streak_days bigint: most days in a row with an event
-- column submitted bigint: assessments with a submission
-- column late bigint: submissions after they were due
-- column due bigint: assessments that are due later and not submitted
-- column missed bigint: assessments that were due and not submitted
-- column mean_score numeric: mean score of submissions (percent)
-- column score_trend double precision: points of score per further submission
SELECT institution_id, course_id, user_id, enrolled_at, first_activity_at, status, progress,
       last_seen_at, active_days, current_streak_days, longest_streak_days, submitted, late, due,
       missed, mean_score, score_trend
FROM public.learner_progress
