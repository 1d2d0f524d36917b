-- New courses are published at once; an archived one stays archived.
INSERT INTO courses
    (id, title, description, instructor_id, created_by, status, metadata, institution_id)
SELECT id, title, description, instructor_id, instructor_id, 'published', metadata, institution_id
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, title TEXT, description TEXT, instructor_id UUID, metadata JSONB, institution_id UUID
)
ON CONFLICT (id) DO UPDATE SET
    title = excluded.title,
    description = excluded.description,
    instructor_id = excluded.instructor_id,
    metadata = courses.metadata || excluded.metadata
WHERE (courses.title, courses.description, courses.instructor_id, courses.metadata)
    IS DISTINCT FROM
    (excluded.title, excluded.description, excluded.instructor_id,
     courses.metadata || excluded.metadata)
RETURNING id::TEXT, xmax = 0 AS created
