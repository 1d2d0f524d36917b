-- name: forget_person
UPDATE users SET
    email = id::TEXT || '@sealed.invalid', name = 'sealed', profile = '{}',
    email_encrypted = NULL, name_encrypted = NULL, profile_encrypted = NULL, email_index = NULL,
    status = 'inactive', directory_opt_out = TRUE, erased_at = NOW(), updated_at = NOW()
WHERE id = %(user_id)s
RETURNING id, erased_at

-- name: move
SELECT move_erased_person(%(user_id)s)

-- name: person
SELECT users.*, wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.id = %(user_id)s
