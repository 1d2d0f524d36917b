-- title: Out of the ordinary
-- question: Has a course fallen silent, or does a producer misbehave?
-- picture: table
-- unit: events
-- order: 10
-- size: 12
-- label about: course or producer
-- label found: found
-- label expected: usual at that hour
-- span: the last seven days
-- note: Compared with the same hour of the four weeks before: a fifth or less is a drop, five times as much a spike. For a clock that is ahead, the last column is by how many seconds at most.
-- empty: Nothing out of the ordinary in the last seven days.
SELECT to_char(bucket_at, 'YYYY-MM-DD HH24:MI') AS hour, what, about, found,
       round(expected::numeric, 1) AS expected
FROM anomalies
ORDER BY bucket_at DESC, what, about
LIMIT 20;
