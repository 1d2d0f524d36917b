-- The features of the items in `wanted (entity_id, institution_id, as_of)`, by whole days (UTC)
-- until that of as_of.
SELECT w.entity_id, w.institution_id, w.as_of,
       a.views_1d, a.views_7d, a.views_28d, a.learner_days_7d, a.learner_days_28d,
       a.views_7d / nullif(a.views_28d / 4.0, 0)::float8 AS trend,
       ((w.as_of AT TIME ZONE 'UTC')::date - (first.bucket_at AT TIME ZONE 'UTC')::date)
           AS days_since_first,
       a.finishers / nullif(a.learner_days_28d, 0)::float8 AS finished_share_28d,
       1 - a.finishers / nullif(a.learner_days_28d, 0)::float8 AS drop_off_28d,
       a.clicks / nullif(a.views_28d, 0)::float8 AS clicks_per_view_28d
FROM wanted w
CROSS JOIN LATERAL (
    SELECT coalesce(sum(views) FILTER (WHERE bucket_at > w.as_of - INTERVAL '1 day'), 0)::bigint
               AS views_1d,
           coalesce(sum(views) FILTER (WHERE bucket_at > w.as_of - INTERVAL '7 days'), 0)::bigint
               AS views_7d,
           coalesce(sum(views), 0)::bigint AS views_28d,
           coalesce(sum(learners) FILTER (WHERE bucket_at > w.as_of - INTERVAL '7 days'),
                    0)::bigint AS learner_days_7d,
           coalesce(sum(learners), 0)::bigint AS learner_days_28d,
           coalesce(sum(finishers), 0)::bigint AS finishers,
           coalesce(sum(clicks), 0)::bigint AS clicks
    FROM item_engagement i
    WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
      AND i.bucket_at > w.as_of - INTERVAL '28 days' AND i.bucket_at <= w.as_of
) AS a
CROSS JOIN LATERAL (
    SELECT min(bucket_at) AS bucket_at FROM item_engagement i
    WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
) AS first
