-- name: insert
INSERT INTO invitations (id, institution_id, user_id, course_id, cohort_id, invited_by, created_at)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(course_id)s, %(cohort_id)s, %(invited_by)s,
        %(created_at)s)
RETURNING {invitation}

-- name: before
-- What speaks against asking somebody into a course: they are in it, or said no.
SELECT EXISTS (
        SELECT FROM users
        WHERE id = %(user_id)s AND institution_id = %(institution_id)s AND status = 'active'
          AND erased_at IS NULL
    ) AS known,
    EXISTS (
        SELECT FROM enrollments
        WHERE user_id = %(user_id)s AND course_id = %(course_id)s AND status <> 'dropped'
    ) AS enrolled,
    EXISTS (
        SELECT FROM invitations
        WHERE user_id = %(user_id)s AND course_id = %(course_id)s AND status = 'declined'
    ) AS declined

-- name: get
SELECT {invitation} FROM invitations WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT {invitation} FROM invitations WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: answer
UPDATE invitations SET status = %(status)s, answered_at = %(at)s WHERE id = %(id)s RETURNING {invitation}

-- name: of_course
SELECT {invitation} FROM invitations
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: of_user
SELECT {invitation} FROM invitations
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s
