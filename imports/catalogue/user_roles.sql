INSERT INTO user_roles (id, user_id, role_name, scope, institution_id)
SELECT id, user_id, role_name, 'institution', institution_id
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, user_id UUID, role_name TEXT, institution_id UUID
)
ON CONFLICT (id) DO UPDATE SET role_name = excluded.role_name
WHERE user_roles.role_name <> excluded.role_name
