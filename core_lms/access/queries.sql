-- name: bypasses
SELECT current_user, role.rolsuper OR role.rolbypassrls OR EXISTS (
    SELECT FROM pg_class
    WHERE relname = 'users' AND relnamespace = 'public'::regnamespace
      AND pg_has_role(current_user, relowner, 'USAGE')
)
FROM pg_roles AS role WHERE role.rolname = current_user

-- name: person
SELECT users.institution_id, status, array_remove(array_agg(role_name || '@' || scope), NULL)
FROM users
LEFT JOIN user_roles AS had ON had.user_id = users.id AND scope IN ('global', 'institution')
WHERE users.id = %(user_id)s AND erased_at IS NULL
GROUP BY users.id

-- name: invented
SELECT id FROM users
WHERE institution_id = %(institution_id)s AND role = %(role)s AND invented AND status = 'active'
  AND erased_at IS NULL
ORDER BY created_at, id
LIMIT 1
