-- `installation_wide`: an administrator of everything, whom those of one institution leave alone.
-- name: person
SELECT person.role, person.status,
    EXISTS (
        SELECT FROM user_roles WHERE user_id = person.id AND scope = 'global'
    ) AS installation_wide,
    array_remove(ARRAY[
        CASE WHEN person.id = %(caller_id)s THEN 'self' END,
        CASE WHEN EXISTS (
            SELECT FROM guardians
            WHERE guardian_id = %(caller_id)s AND learner_id = person.id
              AND verified_at IS NOT NULL
        ) THEN 'guardian' END,
        CASE WHEN EXISTS (
            SELECT FROM enrollments AS enrollment
            JOIN courses AS course ON course.id = enrollment.course_id
            WHERE enrollment.user_id = person.id AND enrollment.status <> 'dropped'
              AND (course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id))
        ) THEN 'instructor' END
    ], NULL) AS relations
FROM users AS person
WHERE person.id = %(user_id)s AND person.institution_id = %(institution_id)s

-- A role that is to be given (its scope is named) or taken away (its id is).
-- name: role_of
SELECT coalesce(%(scope)s, given.scope) IS NOT DISTINCT FROM 'global' OR EXISTS (
        SELECT FROM user_roles WHERE user_id = person.id AND scope = 'global'
    ) AS installation_wide,
    ARRAY[]::text[] AS relations
FROM users AS person
LEFT JOIN user_roles AS given ON given.user_id = person.id AND given.id = %(role_id)s::uuid
WHERE person.id = %(user_id)s AND person.institution_id = %(institution_id)s
