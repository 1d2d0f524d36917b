-- about: Learners and finishers of an item by whole days, as of its newest event
-- check: the feature store has each item's newest use
-- entity: item
-- queue: item_features_due
-- feature learner_days_7d: int, distinct learners of each day, summed: one who comes on two days counts twice
-- feature learner_days_28d: int, the same over 28 days
-- feature days_since_first: int
-- feature finished_share_28d: float
-- feature drop_off_28d: float

-- name: rows
-- The features of the items in `wanted (entity_id, institution_id, as_of)`, by whole days (UTC)
-- until that of as_of.
SELECT w.entity_id, w.institution_id, w.as_of,
       a.learner_days_7d, a.learner_days_28d,
       ((w.as_of AT TIME ZONE 'UTC')::date - (first.bucket_at AT TIME ZONE 'UTC')::date)
           AS days_since_first,
       a.finishers / nullif(a.learner_days_28d, 0)::float8 AS finished_share_28d,
       1 - a.finishers / nullif(a.learner_days_28d, 0)::float8 AS drop_off_28d
FROM wanted w
CROSS JOIN LATERAL (
    SELECT coalesce(sum(learners) FILTER (WHERE bucket_at > w.as_of - INTERVAL '7 days'),
                    0)::bigint AS learner_days_7d,
           coalesce(sum(learners), 0)::bigint AS learner_days_28d,
           coalesce(sum(finishers), 0)::bigint AS finishers
    FROM item_engagement i
    WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
      AND i.bucket_at > w.as_of - INTERVAL '28 days' AND i.bucket_at <= w.as_of
) AS a
CROSS JOIN LATERAL (
    SELECT min(bucket_at) AS bucket_at FROM item_engagement i
    WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
) AS first

-- name: newest
SELECT d.entity_id, d.institution_id,
       (SELECT max(bucket_at) FROM item_engagement i
        WHERE i.item_id = d.entity_id AND i.bucket_at <= now()) AS as_of
FROM taken d

-- name: past
SELECT item_id AS entity_id, institution_id, bucket_at AS at FROM item_engagement
WHERE bucket_at >= %(since)s AND bucket_at < %(until)s AND bucket_at <= now()

-- name: expected
WITH newest AS (
    SELECT institution_id, item_id, max(bucket_at) AS as_of, min(bucket_at) AS first_at
    FROM expected_item_days
    WHERE item_id NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
    GROUP BY ALL),
sums AS (
    SELECT n.institution_id, n.item_id, n.as_of, n.first_at,
           sum(learners) FILTER (WHERE bucket_at > as_of - INTERVAL 7 DAY)::BIGINT AS learner_days_7d,
           sum(learners)::BIGINT AS learner_days_28d, sum(finishers)::BIGINT AS finishers
    FROM newest n JOIN expected_item_days d
        ON d.institution_id = n.institution_id AND d.item_id = n.item_id
           AND d.bucket_at > n.as_of - INTERVAL 28 DAY
    GROUP BY ALL)
SELECT institution_id, item_id, as_of, coalesce(learner_days_7d, 0) AS learner_days_7d,
       learner_days_28d, date_diff('day', first_at, as_of) AS days_since_first,
       round(finishers / nullif(learner_days_28d, 0)::DOUBLE, 6) AS finished_share_28d,
       round(1 - finishers / nullif(learner_days_28d, 0)::DOUBLE, 6) AS drop_off_28d
FROM sums

-- name: found
SELECT institution_id::UUID AS institution_id, item_id::UUID AS item_id,
       as_of AT TIME ZONE 'UTC' AS as_of, learner_days_7d,
       learner_days_28d, days_since_first, round(finished_share_28d, 6) AS finished_share_28d,
       round(drop_off_28d, 6) AS drop_off_28d
FROM history_item_quality
WHERE item_id::UUID NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
