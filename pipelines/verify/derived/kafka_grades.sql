-- A score may be changed: each submission counts once.
SELECT institution_id, course_id, count(DISTINCT payload.submission_id) AS events
FROM distinct_payloads WHERE event_type = 'assessment.graded' GROUP BY ALL
