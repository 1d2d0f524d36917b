-- about: since when each learner knows each item is right
-- covers: learner_item
-- key: institution_id, user_id, course_id, item_id
-- name: expected
SELECT institution_id, user_id, course_id, item_id, min(moment) AS first_at
FROM distinct_events WHERE content GROUP BY ALL
-- name: found
SELECT institution_id, user_id, course_id, item_id, first_at AT TIME ZONE 'UTC' AS first_at
FROM learner_item
