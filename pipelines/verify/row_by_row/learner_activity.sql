-- about: the feature store has each learner's newest totals
-- covers: features.learner_activity
-- key: institution_id, user_id
-- from: snapshot
-- name: expected
SELECT e.institution_id, e.user_id, max(moment) AS as_of, count(*) AS events_total,
       coalesce(sum(clicks), 0)::BIGINT AS clicks_total,
       arg_max(item_id, (moment, item_id::VARCHAR, course_id::VARCHAR)) AS last_item_id,
       arg_max(course_id, (moment, item_id::VARCHAR, course_id::VARCHAR)) AS last_course_id,
       max(moment) AS last_seen_at
FROM distinct_events e JOIN featured f ON f.user_id = e.user_id AND f.kept = 'all'
WHERE content AND e.user_id NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
GROUP BY ALL
-- name: found
SELECT institution_id::UUID AS institution_id, user_id::UUID AS user_id,
       as_of AT TIME ZONE 'UTC' AS as_of, events_total, clicks_total,
       last_item_id::UUID AS last_item_id, last_course_id::UUID AS last_course_id,
       last_seen_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS last_seen_at
FROM history_learner_activity
WHERE user_id::UUID NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
  AND user_id::UUID NOT IN (SELECT user_id FROM featured WHERE kept = 'some')
