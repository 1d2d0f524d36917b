-- about: live sets of learners count those who were active
-- covers: redis:learners
-- key: institution_id, course_id, minute_at
-- from: snapshot
-- name: expected
SELECT institution_id, course_id, minute_at, learners FROM redis_learners
WHERE (institution_id, minute_at) NOT IN (SELECT (institution_id, minute_at) FROM clocks_ahead)
-- name: found
SELECT institution_id, course_id, minute_at, learners_now AS learners FROM redis_learners
WHERE (institution_id, minute_at) NOT IN (SELECT (institution_id, minute_at) FROM clocks_ahead)
