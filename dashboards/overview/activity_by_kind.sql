-- title: Activity by kind
-- question: What kind of content do learners use?
-- picture: bars
-- unit: clicks
-- order: 60
-- size: 4
-- note: Clicks of content views, in the seven days up to the newest activity.
-- empty: No content has been used yet. Load some activity: ./learnstream demo
WITH newest AS (  -- the last weeks first: where there was activity, older rows need not be summed
    SELECT coalesce(
        (SELECT max(bucket_at) FROM course_activity_hour
         WHERE bucket_at > now() - INTERVAL '14 days' AND bucket_at <= now()),
        (SELECT max(bucket_at) FROM course_activity_hour WHERE bucket_at <= now())
    ) AS until_at
),
span AS (  -- as values: what has to be computed per row is not pushed below a view's sums
    SELECT until_at - INTERVAL '7 days' AS since_at, until_at FROM newest
),
kinds AS (
    SELECT kind, sum(clicks) AS clicks
    FROM course_activity_hour
    WHERE bucket_at > (SELECT since_at FROM span) AND bucket_at <= (SELECT until_at FROM span)
    GROUP BY kind
),
ranked AS (
    SELECT kind, clicks, row_number() OVER (ORDER BY clicks DESC, kind) AS rank FROM kinds
)
SELECT CASE WHEN rank <= 7 THEN kind ELSE 'other' END AS kind,
       sum(clicks)::bigint AS clicks,
       since_at,
       until_at
FROM ranked, span
GROUP BY 1, since_at, until_at
ORDER BY min(rank);
