-- name: insert
INSERT INTO users (id, institution_id, email, name, role, profile)
VALUES (%(id)s, %(institution_id)s, %(email)s, %(name)s, %(role)s, %(profile)s)
RETURNING *

-- name: insert_role
INSERT INTO user_roles (id, institution_id, user_id, role_name, scope)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(role_name)s, 'institution')

-- name: get
SELECT * FROM users WHERE id = %(id)s AND institution_id = %(institution_id)s
