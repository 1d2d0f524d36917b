-- title: Recommendations
-- question: Do learners follow what they are offered?
-- picture: table
-- unit: times
-- order: 50
-- size: 4
-- label source: where it came from
-- label shown: shown
-- label clicked: clicked
-- label click_rate: click rate
-- unit click_rate: percent
-- span: last 24 hours
-- note: A click counts for the answer it belongs to, once per item shown.
-- empty: No recommendation has been shown in the last 24 hours. Open “For you” and pick a learner.
WITH events AS (
    SELECT event_type, item_id,
           payload ->> 'recommendation_id' AS recommendation_id, payload ->> 'source' AS source
    FROM activity_events
    WHERE topic = 'lms.recommendations.events'
      AND timestamp > now() - INTERVAL '24 hours' AND timestamp <= now()
),
clicked AS (
    SELECT DISTINCT recommendation_id, item_id
    FROM events WHERE event_type = 'recommendation.clicked'
)
SELECT shown.source,
       count(*) AS shown,
       count(clicked.item_id) AS clicked,
       round(100.0 * count(clicked.item_id) / count(*), 1) AS click_rate
FROM events AS shown
LEFT JOIN clicked USING (recommendation_id, item_id)
WHERE shown.event_type = 'recommendation.shown'
GROUP BY shown.source
ORDER BY shown DESC;
