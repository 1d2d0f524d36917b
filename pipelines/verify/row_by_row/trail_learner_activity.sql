-- about: each learner's trail begins with their newest item
-- covers: redis:trail
-- key: institution_id, user_id
-- from: snapshot
-- name: expected
SELECT institution_id::UUID AS institution_id, user_id, last_item_id AS newest
FROM history_learner_activity
-- name: found
SELECT h.institution_id::UUID AS institution_id, t.user_id, t.newest
FROM trail_learner_activity t LEFT JOIN history_learner_activity h USING (user_id)
