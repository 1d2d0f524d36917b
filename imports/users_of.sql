-- Learners and instructors of imported presentations ('AAA/2013J').
WITH imported AS (
    SELECT id, instructor_id FROM courses
    WHERE metadata->>'source' = 'oulad'
      AND concat(metadata->>'module', '/', metadata->>'presentation') = ANY(%(presentations)s)
      AND institution_id::text = ANY(%(institutions)s)
)
SELECT user_id FROM enrollments WHERE course_id IN (SELECT id FROM imported)
UNION
SELECT user_id FROM submissions WHERE course_id IN (SELECT id FROM imported)
UNION
SELECT instructor_id FROM imported
