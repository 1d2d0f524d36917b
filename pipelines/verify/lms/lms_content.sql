-- What learners did with content, all of which came over HTTP.
SELECT c.institution_id, course_id, CASE WHEN u.erased_at IS NULL THEN user_id END AS user_id, kind,
       (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events, sum(clicks) AS clicks
FROM content_views AS c JOIN users AS u ON u.id = user_id GROUP BY 1, 2, 3, 4, 5
