-- As learner_features: grouped by the message's key, newest by the event's own time.

INSERT INTO item_popularity_features
SELECT
  message_key,
  'item_popularity',
  SUBSTRING(message_key, 17),
  institution_id,
  RTRIM(newest) || 'Z',
  ROW(views_total, clicks_total, RTRIM(newest) || 'Z')
FROM (
  SELECT
    message_key,
    MAX(institution_id) AS institution_id,
    SUM(weight) AS views_total,
    SUM(weight * clicks) AS clicks_total,
    MAX(RPAD(RTRIM(`timestamp`, 'Z'), 26, ' ')) AS newest
  FROM (
    SELECT 'item_popularity/' || item_id AS message_key, *
    FROM content_events
    WHERE event_type = 'content.viewed'
  )
  GROUP BY message_key
);
