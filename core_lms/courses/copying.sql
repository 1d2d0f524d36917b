-- name: modules
SELECT id, title, description, position, opens_at FROM course_modules
WHERE course_id = %(source_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL

-- name: insert_modules
INSERT INTO course_modules (id, course_id, title, description, position, opens_at, institution_id)
SELECT id, %(target_id)s, title, description, position, opens_at, %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, title TEXT, description TEXT, position INTEGER, opens_at TIMESTAMPTZ
)
