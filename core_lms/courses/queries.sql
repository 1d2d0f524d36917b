-- name: insert
INSERT INTO courses (id, institution_id, title, description, instructor_id, created_by, metadata)
VALUES (%(id)s, %(institution_id)s, %(title)s, %(description)s, %(instructor_id)s, %(created_by)s,
        %(metadata)s)
RETURNING *

-- name: get
SELECT * FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT * FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: hold
-- Enrollments hold the course as it is until they commit: not against each other, only against
-- archiving. Studying reads without a lock: a view at the moment of closing hurts nobody, and a
-- lock on one course row by all of its learners would.
SELECT * FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR SHARE

-- name: list
SELECT * FROM courses
WHERE institution_id = %(institution_id)s
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: change
UPDATE courses
SET title = %(title)s, description = %(description)s, metadata = %(metadata)s, updated_at = NOW()
WHERE id = %(id)s
RETURNING *

-- name: set_status
UPDATE courses SET status = %(status)s, updated_at = NOW() WHERE id = %(id)s RETURNING *

-- name: touch
UPDATE courses SET updated_at = NOW() WHERE id = %(id)s
