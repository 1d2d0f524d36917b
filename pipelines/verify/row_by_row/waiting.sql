-- about: what waits to be taken up: nothing
-- covers: archive_batches, archive_duplicates, assessment_due, item_features_due, item_totals_due, learner_features_due, learner_totals_due
-- key: queue
-- name: expected
SELECT unnest(['archive_batches', 'archive_duplicates', 'assessment_due', 'item_features_due',
               'item_totals_due', 'learner_features_due', 'learner_totals_due']) AS queue, 0::BIGINT AS waiting
-- name: found
-- A batch without events is a heartbeat: there is one every few seconds.
SELECT 'archive_batches' AS queue, count(*) AS waiting FROM archive_batches WHERE events > 0
UNION ALL SELECT 'archive_duplicates', count(*) FROM archive_duplicates
UNION ALL SELECT 'assessment_due', count(*) FROM assessment_due
UNION ALL SELECT 'item_features_due', count(*) FROM item_features_due
UNION ALL SELECT 'learner_features_due', count(*) FROM learner_features_due
UNION ALL SELECT 'item_totals_due', count(*) FROM item_totals_due
UNION ALL SELECT 'learner_totals_due', count(*) FROM learner_totals_due
