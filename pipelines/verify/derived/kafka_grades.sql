-- A score may be changed: each submission counts once.
SELECT institution_id, course_id, count(DISTINCT told.submission_id) AS events
FROM a_told WHERE event_type = 'assessment.graded' GROUP BY ALL
