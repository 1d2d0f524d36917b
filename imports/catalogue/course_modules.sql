INSERT INTO course_modules (id, course_id, title, position, institution_id)
SELECT id, course_id, title, position, institution_id
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, course_id UUID, title TEXT, position INTEGER, institution_id UUID
)
ON CONFLICT (id) DO UPDATE SET
    title = excluded.title,
    position = excluded.position,
    updated_at = NOW()
WHERE (course_modules.title, course_modules.position)
    IS DISTINCT FROM (excluded.title, excluded.position)
RETURNING course_id::TEXT, xmax = 0 AS created
