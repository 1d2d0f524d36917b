-- title: Active learners
-- question: Who is learning right now?
-- picture: stat
-- unit: learners
-- order: 10
-- size: 4
-- label last_15_minutes: in the last 15 minutes
-- label today: today (UTC)
-- label newest_day: on the newest day with activity
-- note: A learner is active when at least one content event of theirs happened in the span.
-- empty: No learner has been active yet. Load some: ./learnstream demo
WITH newest AS (
    SELECT max(bucket_at) AS day FROM learner_course_day WHERE bucket_at <= now()
),
live AS (
    SELECT count(DISTINCT user_id) AS learners
    FROM activity_events
    WHERE topic = 'lms.content.events'
      AND timestamp > now() - INTERVAL '15 minutes' AND timestamp <= now()
),
by_day AS (
    SELECT bucket_at, count(DISTINCT user_id) AS learners
    FROM learner_course_day
    WHERE bucket_at IN ((SELECT day FROM newest), date_trunc('day', now(), 'UTC'))
    GROUP BY bucket_at
)
SELECT live.learners AS last_15_minutes,
       coalesce((SELECT learners FROM by_day
                 WHERE bucket_at = date_trunc('day', now(), 'UTC')), 0) AS today,
       coalesce((SELECT learners FROM by_day WHERE bucket_at = newest.day), 0) AS newest_day,
       newest.day AS until_at
FROM live, newest;
