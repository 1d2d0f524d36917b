-- about: live counters have the last hour's events by minute, of each course and of all
-- covers: redis:live
-- key: institution_id, course_id, minute_at
-- from: snapshot
-- name: expected
SELECT institution_id, c AS course_id, minute_at, count(*) AS events
FROM (SELECT institution_id, unnest([NULL, course_id]) AS c,
             date_trunc('minute', moment)::TIMESTAMP AS minute_at
      FROM distinct_events WHERE content)
WHERE minute_at > date_trunc('minute', getvariable('now')::TIMESTAMP) - INTERVAL 1 HOUR
  AND minute_at <= getvariable('now')
  AND (institution_id, minute_at) NOT IN (SELECT (institution_id, minute_at) FROM clocks_ahead)
GROUP BY ALL
-- name: found
SELECT * FROM redis_events
WHERE (institution_id, minute_at) NOT IN (SELECT (institution_id, minute_at) FROM clocks_ahead)
