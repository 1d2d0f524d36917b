-- title: From commit to row
-- question: How long does an event take from its commit in the LMS to rows that can be read?
-- picture: timeseries
-- unit: seconds
-- order: 15
-- size: 6
-- label archive_p50: archive, median
-- label archive_p99: archive, 99th percentile
-- label derived_p50: derived tables, median
-- label derived_p99: derived tables, 99th percentile
-- span: last 60 minutes
-- note: Measured by a heartbeat that the monitor commits into the outbox every few seconds and finds again in the archive and behind the derivation. A minute without a value is one in which none came through.
-- empty: No heartbeat has come through in the last hour: ./learnstream status shows whether the monitor and the other components run.
SELECT date_trunc('minute', sent_at) AS time,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY archive_s) AS archive_p50,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY archive_s) AS archive_p99,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY derive_s) AS derived_p50,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY derive_s) AS derived_p99
FROM commit_to_row
WHERE sent_at >= date_trunc('minute', now()) - INTERVAL '59 minutes'
GROUP BY 1
ORDER BY time;
