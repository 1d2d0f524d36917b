-- Submissions with a score.
SELECT institution_id, course_id, count(*) AS events
FROM submissions WHERE score IS NOT NULL GROUP BY 1, 2
