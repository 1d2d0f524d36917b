-- title: Activity per day and course
-- question: How did the courses' activity develop?
-- picture: columns
-- unit: clicks
-- series: course_id
-- order: 80
-- size: 8
-- label course_id: course
-- note: Clicks of content views on the last 90 days with activity; days without any are left out, a gap is marked. The five busiest courses of the span, the others together.
-- empty: No day of activity is loaded. Load some: ./learnstream demo
WITH recent AS (
    SELECT DISTINCT bucket_at FROM course_activity_day
    WHERE bucket_at > now() - INTERVAL '180 days' AND bucket_at <= now()
    ORDER BY bucket_at DESC LIMIT 90
),
days AS (  -- where half a year has so many, older rows need not be summed
    SELECT bucket_at FROM recent WHERE (SELECT count(*) FROM recent) = 90
    UNION ALL
    (SELECT DISTINCT bucket_at FROM course_activity_day
     WHERE bucket_at <= now() AND (SELECT count(*) FROM recent) < 90
     ORDER BY bucket_at DESC LIMIT 90)
),
per_course AS (
    SELECT bucket_at, course_id, sum(clicks) AS clicks
    FROM course_activity_day
    WHERE bucket_at >= (SELECT min(bucket_at) FROM days) AND bucket_at <= now()
    GROUP BY bucket_at, course_id
),
busiest AS (
    SELECT course_id FROM per_course
    GROUP BY course_id ORDER BY sum(clicks) DESC, course_id LIMIT 5
)
SELECT to_char(bucket_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
       coalesce(busiest.course_id::text, 'other courses') AS course_id,
       sum(clicks)::bigint AS clicks,
       (SELECT min(bucket_at) FROM days) AS since_at,
       (SELECT max(bucket_at) FROM days) AS until_at
FROM per_course
LEFT JOIN busiest USING (course_id)
GROUP BY bucket_at, busiest.course_id
ORDER BY bucket_at, clicks DESC;
