-- Handed-in work.
SELECT s.institution_id, s.course_id, s.user_id, a.kind,
       (submitted_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events
FROM submissions AS s JOIN assessments AS a ON a.id = s.assessment_id
GROUP BY 1, 2, 3, 4, 5
