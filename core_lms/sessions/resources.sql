-- name: invented_learner
SELECT %(demo)s::boolean AS demo, person.status,
    person.invented AND person.erased_at IS NULL AND NOT EXISTS (
        SELECT FROM user_roles WHERE user_id = person.id AND role_name <> 'student'
    ) AS invented,
    ARRAY[]::text[] AS relations
FROM users AS person
WHERE person.id = %(user_id)s AND person.institution_id = %(institution_id)s
