-- about: the derivation has every batch of the archive
-- covers: derive_position
-- key: one
-- name: expected
SELECT 1 AS one, 0::BIGINT AS behind
-- name: found
SELECT 1 AS one, greatest(0, coalesce((SELECT max(batch_no) FROM activity_events), 0)
                             - done_batch_no) AS behind
FROM derive_position
