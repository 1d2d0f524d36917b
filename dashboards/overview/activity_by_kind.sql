-- title: Activity by kind
-- question: What kind of content do learners use?
-- picture: bars
-- unit: clicks
-- order: 60
-- size: 4
-- note: Clicks of content views, in the seven days up to the newest activity.
-- empty: No content has been used yet. Load some activity: ./learnstream demo
WITH newest AS (
    SELECT max(bucket_at) AS until_at FROM course_activity_hour WHERE bucket_at <= now()
),
kinds AS (
    SELECT kind, sum(clicks) AS clicks
    FROM course_activity_hour, newest
    WHERE bucket_at > until_at - INTERVAL '7 days' AND bucket_at <= until_at
    GROUP BY kind
),
ranked AS (
    SELECT kind, clicks, row_number() OVER (ORDER BY clicks DESC, kind) AS rank FROM kinds
)
SELECT CASE WHEN rank <= 7 THEN kind ELSE 'other' END AS kind,
       sum(clicks)::bigint AS clicks,
       until_at - INTERVAL '7 days' AS since_at,
       until_at
FROM ranked, newest
GROUP BY 1, until_at
ORDER BY min(rank);
