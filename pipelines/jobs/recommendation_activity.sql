-- Un-windowed partial sums per day of the event itself: what became of an offer, whenever that was,
-- is derived (recommendation_feedback).

INSERT INTO recommendation_activity
SELECT institution_id, arm, `model`, `source`, `position`, day_at, part,
       SUM(CASE WHEN event_type = 'recommendation.shown' THEN weight ELSE 0 END),
       SUM(CASE WHEN event_type = 'recommendation.clicked' THEN weight ELSE 0 END),
       SUM(CASE WHEN event_type = 'recommendation.dismissed' THEN weight ELSE 0 END),
       SUM(CASE WHEN event_type = 'recommendation.converted' THEN weight ELSE 0 END)
FROM (SELECT institution_id, COALESCE(arm, '') AS arm, COALESCE(`model`, '') AS `model`,
             COALESCE(`source`, '') AS `source`, CAST(`position` AS INT) AS `position`,
             SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS day_at, part, event_type, weight
      FROM recommendations_events)
GROUP BY institution_id, arm, `model`, `source`, `position`, day_at, part;
