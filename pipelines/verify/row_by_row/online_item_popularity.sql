-- about: the online store has the newest rows of item_popularity
-- covers: redis:item_popularity
-- key: institution_id, item_id
-- from: snapshot
-- name: expected
SELECT * REPLACE (institution_id::UUID AS institution_id) FROM history_item_popularity
-- name: found
-- Redis knows no institution; an entity without history has none.
SELECT o.* REPLACE (h.institution_id::UUID AS institution_id)
FROM online_item_popularity o LEFT JOIN history_item_popularity h USING (item_id)
