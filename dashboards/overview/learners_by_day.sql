-- title: Learners by day
-- question: How many learn on a day?
-- picture: stat
-- unit: learners
-- order: 75
-- size: 4
-- label today: today (UTC)
-- label newest_day: on the newest day with activity
-- note: Learners with at least one content event on the day.
-- empty: No learner has been active yet. Load some: ./learnstream demo
WITH newest AS (
    SELECT max(bucket_at) AS day FROM learner_course_day WHERE bucket_at <= now()
),
by_day AS (
    SELECT bucket_at, count(DISTINCT user_id) AS learners
    FROM learner_course_day
    WHERE bucket_at IN ((SELECT day FROM newest), date_trunc('day', now(), 'UTC'))
    GROUP BY bucket_at
)
SELECT coalesce((SELECT learners FROM by_day
                 WHERE bucket_at = date_trunc('day', now(), 'UTC')), 0) AS today,
       coalesce((SELECT learners FROM by_day WHERE bucket_at = newest.day), 0) AS newest_day,
       newest.day AS until_at
FROM newest;
