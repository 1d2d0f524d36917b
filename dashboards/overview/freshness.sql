-- title: Freshness
-- question: How old is what this page shows?
-- picture: stat
-- unit: seconds
-- order: 20
-- size: 4
-- label p50_delay: from recorded to row, median
-- label p99_delay: 99th percentile
-- label newest_row_age: since the newest row
-- span: rows that arrived in the last 15 minutes
-- note: From the moment an event was recorded, which its identifier carries, to the moment its row was stored here. Imported and replayed events have named identifiers and are left out.
-- empty: No live event has arrived in the last hour. Let learners study: ./learnstream study
WITH live AS (
    SELECT received_at, event_id, replace(event_id::text, '-', '') AS hex
    FROM activity_events
    WHERE timestamp > now() - INTERVAL '1 hour' AND timestamp <= now()
),
recorded AS (
    -- A UUID of version 7 begins with 48 bits of Unix milliseconds (RFC 9562, section 5.7). The
    -- event's own timestamp would not do: work done offline is sent late, and that is no delay.
    SELECT extract(epoch FROM received_at)::float8
           - ('x' || left(hex, 12))::bit(48)::bigint / 1000.0::float8 AS delay
    FROM live
    WHERE uuid_extract_version(event_id) = 7 AND received_at > now() - INTERVAL '15 minutes'
)
SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY delay) FROM recorded) AS p50_delay,
       (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY delay) FROM recorded) AS p99_delay,
       (SELECT extract(epoch FROM now() - max(received_at))::float8 FROM live) AS newest_row_age;
