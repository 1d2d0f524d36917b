SELECT institution_id, course_id, kind, (bucket_at AT TIME ZONE 'UTC')::date AS day,
       sum(events) AS events, sum(clicks) AS clicks
FROM course_activity_hour GROUP BY 1, 2, 3, 4
