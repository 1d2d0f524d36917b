-- Grouped by the message's key itself, so that the sink's key is the query's. "Newest" is by the
-- event's own time, not by arrival: the greatest of texts that begin with the moment, padded to
-- microseconds because ' ' sorts before '.'.

INSERT INTO learner_activity_features
SELECT
  message_key,
  'learner_activity',
  SUBSTRING(message_key, 18),
  institution_id,
  RTRIM(SUBSTRING(newest, 1, 26)) || 'Z',
  ROW(
    events_total,
    clicks_total,
    SUBSTRING(newest, 27, 36),
    SUBSTRING(newest, 63, 36),
    RTRIM(SUBSTRING(newest, 1, 26)) || 'Z'
  )
FROM (
  SELECT
    message_key,
    MAX(institution_id) AS institution_id,
    SUM(weight) AS events_total,
    SUM(weight * COALESCE(clicks, 0)) AS clicks_total,
    MAX(RPAD(RTRIM(`timestamp`, 'Z'), 26, ' ') || item_id || course_id) AS newest
  FROM (SELECT 'learner_activity/' || user_id AS message_key, * FROM content_events)
  GROUP BY message_key
);
