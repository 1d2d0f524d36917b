-- title: Events per minute
-- question: How busy is it, compared with the last hour?
-- picture: timeseries
-- unit: events
-- order: 40
-- size: 8
-- live: events_per_minute
-- span: last 60 minutes
-- note: Content events by the minute they happened in; the last minute is still filling.
-- empty: Nothing has happened in the last hour. Let learners study: ./learnstream study
WITH minutes AS (
    SELECT generate_series(date_trunc('minute', now()) - INTERVAL '59 minutes',
                           date_trunc('minute', now()), INTERVAL '1 minute') AS minute
)
SELECT minutes.minute AS time, coalesce(sum(activity.events), 0)::bigint AS events
FROM minutes
LEFT JOIN course_activity_minute AS activity
       ON activity.bucket_at = minutes.minute
      AND activity.bucket_at >= date_trunc('minute', now()) - INTERVAL '59 minutes'
GROUP BY minutes.minute
ORDER BY time;
