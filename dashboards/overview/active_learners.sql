-- title: Active learners
-- question: Who is learning right now?
-- picture: stat
-- unit: learners
-- order: 10
-- size: 4
-- live: active_learners
-- label last_15_minutes: in the last 15 minutes
-- label last_hour: in the last hour
-- note: A learner is active when they used content or handed in work in the span, the minute in progress included. An estimate: two thirds of the figures are within 0.8 % of the exact one.
-- empty: No learner has been active yet. Load some: ./learnstream demo
SELECT count(DISTINCT user_id) FILTER (
           WHERE timestamp >= date_trunc('minute', now()) - INTERVAL '14 minutes'
       ) AS last_15_minutes,
       count(DISTINCT user_id) AS last_hour
FROM activity_events
WHERE (topic = 'lms.content.events' OR event_type = 'assessment.submitted')
  AND timestamp >= date_trunc('minute', now()) - INTERVAL '59 minutes' AND timestamp <= now();
