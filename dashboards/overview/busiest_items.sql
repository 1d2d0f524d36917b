-- title: Busiest items
-- question: Which content is used most, and by how many?
-- picture: table
-- unit: clicks
-- order: 70
-- size: 8
-- label course_id: course
-- unit learners: learners
-- note: Clicks of content views and the learners behind them, in the seven days up to the newest activity.
-- empty: No item has been opened yet. Load some activity: ./learnstream demo
WITH newest AS (  -- the last weeks first: where there was activity, older rows need not be summed
    SELECT coalesce(
        (SELECT max(bucket_at) FROM course_activity_hour
         WHERE bucket_at > now() - INTERVAL '14 days' AND bucket_at <= now()),
        (SELECT max(bucket_at) FROM course_activity_hour WHERE bucket_at <= now())
    ) AS until_at
),
span AS (  -- as values: what has to be computed per row is not compared within the views
    SELECT until_at - INTERVAL '7 days' AS since_at, until_at,
           until_at + INTERVAL '1 hour' AS before_at
    FROM newest
),
per_learner AS (  -- first per learner: counting distinct learners afterwards is then counting rows
    SELECT item_id, course_id, kind, user_id, sum(clicks) AS clicks
    FROM activity_events
    WHERE topic = 'lms.content.events'
      AND timestamp > (SELECT since_at FROM span)
      AND timestamp < (SELECT before_at FROM span)
    GROUP BY item_id, course_id, kind, user_id
)
SELECT coalesce(title, item_id::text) AS item, course_id, kind,
       count(*) AS learners,
       coalesce(sum(clicks), 0)::bigint AS clicks,
       (SELECT since_at FROM span) AS since_at,
       (SELECT until_at FROM span) AS until_at
FROM per_learner
LEFT JOIN (SELECT item_id, title FROM item_dim) AS described USING (item_id)
GROUP BY item_id, title, course_id, kind
ORDER BY clicks DESC, item_id
LIMIT 8;
