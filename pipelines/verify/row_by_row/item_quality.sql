-- about: the feature store has each item's newest use
-- covers: features.item_quality
-- key: institution_id, item_id
-- from: snapshot
-- name: expected
WITH newest AS (
    SELECT institution_id, item_id, max(bucket_at) AS as_of, min(bucket_at) AS first_at
    FROM expected_item_days
    WHERE item_id NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
    GROUP BY ALL),
sums AS (
    SELECT n.institution_id, n.item_id, n.as_of, n.first_at,
           sum(views) FILTER (WHERE bucket_at = as_of)::BIGINT AS views_1d,
           sum(views) FILTER (WHERE bucket_at > as_of - INTERVAL 7 DAY)::BIGINT AS views_7d,
           sum(views)::BIGINT AS views_28d,
           sum(learners) FILTER (WHERE bucket_at > as_of - INTERVAL 7 DAY)::BIGINT AS learner_days_7d,
           sum(learners)::BIGINT AS learner_days_28d, sum(finishers)::BIGINT AS finishers,
           sum(clicks)::BIGINT AS clicks
    FROM newest n JOIN expected_item_days d
        ON d.institution_id = n.institution_id AND d.item_id = n.item_id
           AND d.bucket_at > n.as_of - INTERVAL 28 DAY
    GROUP BY ALL)
SELECT institution_id, item_id, as_of, coalesce(views_1d, 0) AS views_1d,
       coalesce(views_7d, 0) AS views_7d, views_28d, coalesce(learner_days_7d, 0) AS learner_days_7d,
       learner_days_28d, round(coalesce(views_7d, 0) / nullif(views_28d / 4.0, 0), 6)::DOUBLE AS trend,
       date_diff('day', first_at, as_of) AS days_since_first,
       round(finishers / nullif(learner_days_28d, 0)::DOUBLE, 6) AS finished_share_28d,
       round(1 - finishers / nullif(learner_days_28d, 0)::DOUBLE, 6) AS drop_off_28d,
       round(clicks / nullif(views_28d, 0)::DOUBLE, 6) AS clicks_per_view_28d
FROM sums
-- name: found
SELECT institution_id::UUID AS institution_id, item_id::UUID AS item_id,
       as_of AT TIME ZONE 'UTC' AS as_of, views_1d, views_7d, views_28d, learner_days_7d,
       learner_days_28d, round(trend, 6) AS trend, days_since_first,
       round(finished_share_28d, 6) AS finished_share_28d, round(drop_off_28d, 6) AS drop_off_28d,
       round(clicks_per_view_28d, 6) AS clicks_per_view_28d
FROM history_item_quality
WHERE item_id::UUID NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
