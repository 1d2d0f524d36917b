-- name: insert
INSERT INTO cohorts (id, institution_id, course_id, name, starts_at, ends_at)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(name)s, %(starts_at)s, %(ends_at)s)
RETURNING {cohort}

-- name: get
SELECT {cohort} FROM cohorts WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT {cohort} FROM cohorts WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: list
SELECT {cohort} FROM cohorts
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: change
UPDATE cohorts
SET name = %(name)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s, updated_at = NOW()
WHERE id = %(id)s
RETURNING {cohort}

-- name: members
SELECT user_id AS id, user_id, cohort_id, joined_at FROM cohort_members
WHERE cohort_id = %(cohort_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (joined_at, user_id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY joined_at, user_id
LIMIT %(rows)s

-- name: learning
-- The row lock keeps the learner from leaving the course, or joining another group, meanwhile.
SELECT id FROM enrollments
WHERE user_id = %(user_id)s AND course_id = %(course_id)s
  AND institution_id = %(institution_id)s AND status <> 'dropped'
FOR NO KEY UPDATE

-- name: member
SELECT {member} FROM cohort_members
WHERE cohort_id = %(cohort_id)s AND user_id = %(user_id)s
  AND institution_id = %(institution_id)s
