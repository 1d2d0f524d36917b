-- Who is or was in which course since when.
SELECT institution_id, course_id, user_id, (created_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS events
FROM enrollments GROUP BY 1, 2, 3, 4
