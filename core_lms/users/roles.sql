-- name: of_user
SELECT {role} FROM user_roles
WHERE user_id = %(user_id)s ORDER BY created_at, id

-- Those that a token carries; what somebody is in one course is looked up with the course.
-- name: carried
SELECT ARRAY(
    SELECT role_name || '@' || scope FROM user_roles
    WHERE user_id = %(user_id)s AND scope IN ('global', 'institution') ORDER BY 1
)

-- name: grant
INSERT INTO user_roles (id, institution_id, user_id, role_name, scope, granted_by)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(role_name)s, %(scope)s, %(granted_by)s)
ON CONFLICT (user_id, role_name, scope) DO NOTHING
RETURNING {role}

-- name: same
SELECT {role} FROM user_roles
WHERE user_id = %(user_id)s AND role_name = %(role_name)s AND scope = %(scope)s

-- name: revoke
DELETE FROM user_roles WHERE id = %(id)s AND user_id = %(user_id)s
RETURNING {role}

-- name: revoke_base
DELETE FROM user_roles
WHERE user_id = %(user_id)s AND role_name = %(role_name)s AND scope = 'institution'

-- name: course_exists
SELECT 1 AS found FROM courses WHERE id = %(course_id)s AND institution_id = %(institution_id)s
