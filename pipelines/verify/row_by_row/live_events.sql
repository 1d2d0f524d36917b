-- about: live counters have the last hour's events by course and minute
-- covers: redis:live
-- key: institution_id, course_id, minute_at
-- from: snapshot
-- name: expected
SELECT institution_id, course_id, date_trunc('minute', moment)::TIMESTAMP AS minute_at,
       count(*) AS events
FROM distinct_events
WHERE content AND date_trunc('minute', moment) > getvariable('now') - INTERVAL 1 HOUR
  AND moment <= date_trunc('minute', getvariable('now')::TIMESTAMP) + INTERVAL 1 MINUTE
  AND (institution_id, course_id, date_trunc('minute', moment)::TIMESTAMP) NOT IN (
      SELECT (institution_id, course_id, minute_at) FROM clocks_ahead WHERE course_id IS NOT NULL)
GROUP BY ALL
-- name: found
SELECT * FROM redis_events
WHERE (institution_id, course_id, minute_at) NOT IN (
    SELECT (institution_id, course_id, minute_at) FROM clocks_ahead WHERE course_id IS NOT NULL)
