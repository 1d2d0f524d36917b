-- A score may be changed: each submission counts once.
SELECT institution_id, course_id, count(DISTINCT submission_id) AS events
FROM kafka_graded_submission GROUP BY ALL
