-- title: Freshness
-- question: How old is what this page shows?
-- picture: stat
-- unit: seconds
-- order: 20
-- size: 4
-- label p50_delay: from event to row, median
-- label p99_delay: from event to row, 99th percentile
-- label newest_row_age: since the newest row arrived
-- span: rows that arrived in the last 15 minutes
-- note: Of events that happened within the last hour: the moment the row was stored minus the moment it happened. Loaded history is left out.
-- empty: No live event has arrived in the last hour. Let learners study: ./learnstream study
WITH arrived AS (
    SELECT received_at, extract(epoch FROM received_at - timestamp)::float8 AS delay
    FROM activity_events
    WHERE timestamp > now() - INTERVAL '1 hour' AND timestamp <= now()
)
SELECT (percentile_cont(0.5) WITHIN GROUP (ORDER BY delay)
            FILTER (WHERE received_at > now() - INTERVAL '15 minutes')) AS p50_delay,
       (percentile_cont(0.99) WITHIN GROUP (ORDER BY delay)
            FILTER (WHERE received_at > now() - INTERVAL '15 minutes')) AS p99_delay,
       extract(epoch FROM now() - max(received_at))::float8 AS newest_row_age
FROM arrived;
