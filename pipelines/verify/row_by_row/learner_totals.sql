-- about: each learner's totals of all time are right
-- covers: learner_totals
-- key: institution_id, user_id
-- name: expected
SELECT institution_id, user_id, count(*) AS events, coalesce(sum(clicks), 0)::BIGINT AS clicks,
       arg_max(item_id, (moment, item_id::VARCHAR, course_id::VARCHAR)) AS last_item_id,
       arg_max(course_id, (moment, item_id::VARCHAR, course_id::VARCHAR)) AS last_course_id,
       max(moment) AS last_seen_at
FROM distinct_events
WHERE content AND user_id NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
GROUP BY ALL
-- name: found
SELECT institution_id, user_id, events, clicks, last_item_id, last_course_id,
       last_seen_at AT TIME ZONE 'UTC' AS last_seen_at
FROM learner_totals
WHERE user_id NOT IN (
    SELECT user_id FROM activity_events
    WHERE user_id IS NOT NULL AND timestamp > received_at + INTERVAL '5 minutes')
