-- Handed-in work.
SELECT s.institution_id, s.course_id, CASE WHEN u.erased_at IS NULL THEN user_id END AS user_id,
       a.kind, (submitted_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events
FROM submissions AS s
JOIN assessments AS a ON a.id = s.assessment_id
JOIN users AS u ON u.id = s.user_id
GROUP BY 1, 2, 3, 4, 5
