-- about: the online store has the newest rows of learner_activity
-- covers: redis:learner_activity
-- key: institution_id, user_id
-- from: snapshot
-- name: expected
SELECT * REPLACE (institution_id::UUID AS institution_id) FROM history_learner_activity
-- name: found
-- Redis knows no institution; an entity without history has none.
SELECT o.* REPLACE (h.institution_id::UUID AS institution_id)
FROM online_learner_activity o LEFT JOIN history_learner_activity h USING (user_id)
