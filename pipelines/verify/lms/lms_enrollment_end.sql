-- Enrollments that ended, by how.
SELECT institution_id, course_id, status, count(*) AS events
FROM enrollments WHERE status <> 'enrolled' GROUP BY 1, 2, 3
