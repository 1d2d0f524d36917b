-- about: live sets of learners count those who were active
-- covers: redis:learners
-- key: institution_id, course_id, minutes
-- from: snapshot
-- name: expected
SELECT institution_id, course_id, minutes, learners FROM redis_learners
-- name: found
SELECT institution_id, course_id, minutes, learners_now AS learners FROM redis_learners
