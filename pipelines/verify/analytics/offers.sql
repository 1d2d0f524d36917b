SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, arm, model, source, position,
       impressions, clicks, dismissals, conversions
FROM recommendation_feedback
WHERE (impressions, clicks, dismissals, conversions) <> (0, 0, 0, 0)
