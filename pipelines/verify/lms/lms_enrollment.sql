-- Who is or was in which course since when.
SELECT e.institution_id, course_id, CASE WHEN u.erased_at IS NULL THEN user_id END AS user_id,
       (e.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events
FROM enrollments AS e JOIN users AS u ON u.id = user_id GROUP BY 1, 2, 3, 4
