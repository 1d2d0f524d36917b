-- title: Recommendations by model
-- question: Which model's offers are followed, and which are finished?
-- picture: table
-- unit: times
-- order: 50
-- size: 6
-- label click_rate: clicked
-- unit click_rate: percent
-- label conversion_rate: finished
-- unit conversion_rate: percent
-- span: the 28 days up to the newest offer
-- note: Within seven days after the offer. Finished counts whoever completed the offered item.
-- empty: No recommendation has been shown yet. Open “For you” and pick a learner.
SELECT arm, left(model, 12) AS model, sum(impressions)::bigint AS shown,
       round(100.0 * sum(clicks) / sum(impressions), 1) AS click_rate,
       round(100.0 * sum(conversions) / sum(impressions), 1) AS conversion_rate
FROM recommendation_feedback
WHERE bucket_at > (SELECT max(bucket_at) - INTERVAL '28 days' FROM recommendation_feedback)
GROUP BY arm, model
ORDER BY shown DESC, arm, model
LIMIT 10;
