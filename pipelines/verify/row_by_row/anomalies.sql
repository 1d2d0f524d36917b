-- about: anomalies as of now are found
-- covers: anomalies
-- key: institution_id, bucket_at, what, about
-- name: expected
WITH hours AS (
    SELECT institution_id, course_id, date_trunc('hour', moment)::TIMESTAMP AS bucket_at,
           count(*) AS events
    FROM distinct_events WHERE content GROUP BY ALL),
span AS (
    SELECT unnest(generate_series(date_trunc('hour', getvariable('now')) - INTERVAL 7 DAY,
        date_trunc('hour', getvariable('now')) - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS bucket_at),
courses AS (
    SELECT DISTINCT institution_id, course_id FROM hours
    WHERE bucket_at >= getvariable('now') - INTERVAL 35 DAY AND bucket_at < getvariable('now')),
compared AS (
    SELECT c.institution_id, c.course_id, s.bucket_at,
           coalesce(sum(h.events) FILTER (WHERE h.bucket_at = s.bucket_at), 0)::BIGINT AS found,
           coalesce(sum(h.events) FILTER (WHERE h.bucket_at < s.bucket_at), 0) / 4.0 AS expected
    FROM courses c CROSS JOIN span s
    LEFT JOIN hours h ON h.institution_id = c.institution_id AND h.course_id = c.course_id
        AND h.bucket_at IN (s.bucket_at, s.bucket_at - INTERVAL 7 DAY,
            s.bucket_at - INTERVAL 14 DAY, s.bucket_at - INTERVAL 21 DAY, s.bucket_at - INTERVAL 28 DAY)
    GROUP BY ALL)
SELECT institution_id, bucket_at::TIMESTAMP AS bucket_at,
       CASE WHEN found < expected THEN 'drop' ELSE 'spike' END AS what, course_id::VARCHAR AS about,
       found, expected::DOUBLE AS expected
FROM compared
WHERE (expected >= 20 AND found < expected / 5) OR (found >= 100 AND found > expected * 5)
UNION ALL
SELECT institution_id, bucket_at, 'clock ahead', source, events, most_ahead_ms / 1000.0
FROM expected_skew
WHERE bucket_at >= getvariable('now') - INTERVAL 7 DAY AND bucket_at <= getvariable('now')
-- name: found
SELECT institution_id, bucket_at AT TIME ZONE 'UTC' AS bucket_at, what, about, found, expected
FROM anomalies
