-- Courses, by institution.
SELECT institution_id, count(*) AS events FROM courses GROUP BY institution_id
