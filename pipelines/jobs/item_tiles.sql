-- As learner_tiles, by item: un-windowed partial sums, milliseconds as whole numbers, first and last
-- over all messages, because one that repeats an event names the same moment.

INSERT INTO item_tiles
SELECT institution_id, course_id, item_id, hour_at, part,
       SUM(weight), SUM(`views`), SUM(clicks), SUM(completions), SUM(downloads),
       SUM(watched_ms) / 1000e0, MIN(moment) || 'Z', MAX(moment) || 'Z'
FROM (
  SELECT institution_id, course_id, item_id, SUBSTRING(`timestamp`, 1, 13) || ':00:00Z' AS hour_at, part,
         weight,
         CASE WHEN event_type = 'content.viewed' THEN weight ELSE 0 END AS `views`,
         COALESCE(weight * clicks, 0) AS clicks,
         CASE WHEN event_type = 'content.completed' THEN weight ELSE 0 END AS completions,
         CASE WHEN event_type = 'content.downloaded' THEN weight ELSE 0 END AS downloads,
         CASE WHEN event_type = 'video.watched' AND to_s > from_s
              THEN weight * CAST(FLOOR((to_s - from_s) * 1000e0 + 5e-1) AS BIGINT)
              ELSE 0 END AS watched_ms,
         SUBSTRING(`timestamp`, 1, CHAR_LENGTH(`timestamp`) - 1) AS moment
  FROM content_events
)
GROUP BY institution_id, course_id, item_id, hour_at, part;
