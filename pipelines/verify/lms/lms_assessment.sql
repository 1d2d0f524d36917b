-- Work that is set.
SELECT institution_id, course_id, kind, count(*) AS events
FROM assessments GROUP BY 1, 2, 3
