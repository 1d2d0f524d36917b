-- One after the other: else whoever began earlier would publish what has changed since.
-- name: lock
SELECT FROM courses WHERE id = ANY(%(course_ids)s::uuid[]) AND institution_id = %(institution_id)s
ORDER BY id FOR NO KEY UPDATE

-- What differs from what was published last, kept as published from now on.
-- name: of_courses
INSERT INTO course_descriptions AS published (id, course_id, what, facts, revision, institution_id)
SELECT id, course_id, what, facts, 1, institution_id FROM course_structure
WHERE course_id = ANY(%(course_ids)s::uuid[]) AND institution_id = %(institution_id)s
ON CONFLICT (id) DO UPDATE SET facts = EXCLUDED.facts, revision = published.revision + 1
WHERE published.facts <> EXCLUDED.facts
RETURNING id, course_id, what, facts, revision

-- name: undescribed
SELECT institution_id, array_agg(id) FROM courses AS course
WHERE NOT EXISTS (SELECT FROM course_descriptions AS published WHERE published.id = course.id)
GROUP BY institution_id
