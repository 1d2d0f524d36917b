-- title: Time on task
-- question: How long do learners work on a day they come?
-- picture: timeseries
-- unit: seconds
-- order: 20
-- size: 6
-- label per_learner: per active learner
-- note: The steps from one event to the next within a session of at most 30 minutes' pause.
-- empty: Nobody has worked on two things in one session yet. Let learners study: ./learnstream study
SELECT bucket_at AS time, sum(time_on_task_ms) / 1000.0 / sum(learners) AS per_learner
FROM course_learners_day
WHERE learners > 0
  AND bucket_at > (SELECT max(bucket_at) - INTERVAL '60 days'
                   FROM course_learners_day WHERE bucket_at <= now())
  AND bucket_at <= now()
GROUP BY bucket_at
HAVING sum(time_on_task_ms) > 0
ORDER BY bucket_at;
