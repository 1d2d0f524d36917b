-- title: Items left unfinished
-- question: Which content do learners open and not finish?
-- picture: table
-- unit: percent
-- order: 30
-- size: 8
-- label course_id: course
-- unit learner_days: learners
-- label learner_days: learners, by day
-- label drop_off: not finished the same day
-- note: Over the 28 days up to the newest activity, items of which some day somebody finished one.
-- empty: Nobody has finished an item yet. Let learners study: ./learnstream study
WITH newest AS (
    SELECT max(bucket_at) AS until_at, max(bucket_at) - INTERVAL '28 days' AS since_at
    FROM item_engagement WHERE bucket_at <= now()
)
SELECT coalesce(title, item_id::text) AS item, course_id, sum(learners)::bigint AS learner_days,
       round(100 - 100.0 * sum(finishers) / sum(learners), 1) AS drop_off
FROM item_engagement
LEFT JOIN (SELECT item_id, title FROM item_dim) AS described USING (item_id)
WHERE bucket_at > (SELECT since_at FROM newest)
  AND bucket_at <= (SELECT until_at FROM newest)
GROUP BY item_id, title, course_id
HAVING sum(finishers) > 0 AND sum(learners) >= 5
ORDER BY drop_off DESC, learner_days DESC, item_id
LIMIT 8;
