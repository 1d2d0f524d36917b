-- title: Freshness
-- question: How old is what this page shows?
-- picture: stat
-- unit: seconds
-- order: 20
-- size: 4
-- label p50_delay: from event to row, median
-- label p99_delay: 99th percentile
-- label newest_row_age: since the newest row
-- label told_late: told late
-- unit told_late: events
-- span: rows that arrived in the last 15 minutes
-- note: From the moment an event happened to the moment its row was stored. Events told more than a minute after they happened (work done offline, an hour played in fast motion) are counted apart: their delay is not the pipeline's. Loaded history is left out.
-- empty: No live event has arrived in the last hour. Let learners study: ./learnstream study
WITH live AS (
    SELECT received_at, extract(epoch FROM received_at - timestamp)::float8 AS delay
    FROM activity_events
    WHERE timestamp > now() - INTERVAL '1 hour' AND timestamp <= now()
),
arrived AS (
    SELECT delay FROM live WHERE received_at > now() - INTERVAL '15 minutes'
)
SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY delay)
        FROM arrived WHERE delay < 60) AS p50_delay,
       (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY delay)
        FROM arrived WHERE delay < 60) AS p99_delay,
       (SELECT extract(epoch FROM now() - max(received_at))::float8 FROM live) AS newest_row_age,
       (SELECT count(*) FROM arrived WHERE delay >= 60) AS told_late;
