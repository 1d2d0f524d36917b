-- What learners did with content, all of which came over HTTP.
SELECT institution_id, course_id, user_id, kind, (occurred_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS events, sum(clicks) AS clicks
FROM content_views GROUP BY 1, 2, 3, 4, 5
