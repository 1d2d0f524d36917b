-- name: unsealed
SELECT id, institution_id, email, name, profile FROM users
WHERE email_encrypted IS NULL AND erased_at IS NULL
ORDER BY id LIMIT %(limit)s FOR UPDATE

-- name: seal
WITH kept AS (
    INSERT INTO person_keys (user_id, institution_id, wrapped_key)
    VALUES (%(id)s, %(institution_id)s, %(wrapped_key)s)
)
UPDATE users SET
    email = %(email)s, name = %(name)s, profile = '{}',
    email_encrypted = %(email_encrypted)s, name_encrypted = %(name_encrypted)s,
    profile_encrypted = %(profile_encrypted)s, email_index = %(email_index)s
WHERE id = %(id)s

-- name: is_validated
SELECT convalidated FROM pg_constraint WHERE conname = 'users_hold_no_plaintext'

-- name: validate
ALTER TABLE users VALIDATE CONSTRAINT users_hold_no_plaintext
