-- Accounts of the catalogue; a suspended one stays suspended.
INSERT INTO users (id, email, name, role, profile, institution_id)
SELECT id, email, name, role, profile, institution_id
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, email TEXT, name TEXT, role TEXT, profile JSONB, institution_id UUID
)
ON CONFLICT (id) DO UPDATE SET
    email = excluded.email,
    name = excluded.name,
    role = excluded.role,
    profile = users.profile || excluded.profile,
    updated_at = NOW()
WHERE (users.email, users.name, users.role, users.profile)
    IS DISTINCT FROM
    (excluded.email, excluded.name, excluded.role, users.profile || excluded.profile)
RETURNING id::TEXT, xmax = 0 AS created, role, status
