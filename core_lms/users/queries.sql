-- What is personal arrives sealed; `opened` of core_lms/sealing/person.py reads it again, for which
-- every query takes the wrapped key along.
-- name: insert
WITH account AS (
    INSERT INTO users (id, institution_id, email, name, role, invented, profile,
                       email_encrypted, name_encrypted, profile_encrypted, email_index)
    VALUES (%(id)s, %(institution_id)s, %(email)s, %(name)s, %(role)s, %(invented)s, %(profile)s,
            %(email_encrypted)s, %(name_encrypted)s, %(profile_encrypted)s, %(email_index)s)
    RETURNING {account}, {sealed}
), kept AS (
    INSERT INTO person_keys (user_id, institution_id, wrapped_key)
    SELECT id, institution_id, %(wrapped_key)s FROM account
    RETURNING wrapped_key
)
SELECT {account.account}, {account.sealed}, kept.wrapped_key FROM account, kept

-- name: insert_role
INSERT INTO user_roles (id, institution_id, user_id, role_name, scope)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(role_name)s, 'institution')

-- name: get
SELECT {users.account}, {users.sealed}, person_keys.wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.id = %(id)s AND users.institution_id = %(institution_id)s AND erased_at IS NULL

-- name: of_email
SELECT {users.account}, {users.sealed}, person_keys.wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE email_index = %(email_index)s AND users.institution_id = %(institution_id)s

-- Fields that are not given (NULL) stay; the placeholders cover an account from before sealing.
-- name: reseal
WITH account AS (
    UPDATE users SET
        email = %(email)s, name = %(name)s, profile = '{}',
        email_encrypted = coalesce(%(email_encrypted)s, email_encrypted),
        email_index = coalesce(%(email_index)s, email_index),
        name_encrypted = coalesce(%(name_encrypted)s, name_encrypted),
        profile_encrypted = coalesce(%(profile_encrypted)s, profile_encrypted),
        updated_at = NOW()
    WHERE id = %(id)s AND institution_id = %(institution_id)s AND erased_at IS NULL
    RETURNING {account}, {sealed}
)
SELECT {account.account}, {account.sealed}, person_keys.wrapped_key
FROM account JOIN person_keys ON person_keys.user_id = account.id

-- name: key_for_update
SELECT {users.account}, {users.sealed}, person_keys.wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.id = %(id)s AND users.institution_id = %(institution_id)s AND erased_at IS NULL
FOR UPDATE OF users

-- name: keep_key
INSERT INTO person_keys (user_id, institution_id, wrapped_key)
VALUES (%(id)s, %(institution_id)s, %(wrapped_key)s)

-- name: page
SELECT {users.account}, {users.sealed}, person_keys.wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.institution_id = %(institution_id)s AND erased_at IS NULL
  AND (%(role)s::text IS NULL OR role = %(role)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(email_index)s::bytea IS NULL OR email_index = %(email_index)s)
  AND (%(after_first)s::timestamptz IS NULL
       OR (users.created_at, users.id) > (%(after_first)s, %(after_id)s))
ORDER BY users.created_at, users.id
LIMIT %(rows)s

-- Of status, role and the facts of verification, those that are given (not NULL).
-- name: set_facts
WITH account AS (
    UPDATE users SET
        status = coalesce(%(status)s, status),
        role = coalesce(%(role)s, role),
        email_verified_at =
            CASE WHEN %(verified)s THEN coalesce(email_verified_at, NOW())
                 WHEN NOT %(verified)s THEN NULL
                 ELSE email_verified_at END,
        activates_on_verification = coalesce(%(activates)s, activates_on_verification),
        updated_at = NOW()
    WHERE id = %(id)s AND institution_id = %(institution_id)s AND erased_at IS NULL
    RETURNING {account}, {sealed}
)
SELECT {account.account}, {account.sealed}, person_keys.wrapped_key
FROM account LEFT JOIN person_keys ON person_keys.user_id = account.id

-- One row, whether or not there is such a person.
-- name: relations
SELECT array_remove(ARRAY[
        CASE WHEN %(user_id)s = %(caller_id)s THEN 'self' END,
        CASE WHEN EXISTS (
            SELECT FROM guardians
            WHERE guardian_id = %(caller_id)s AND learner_id = %(user_id)s
              AND verified_at IS NOT NULL
        ) THEN 'guardian' END
    ], NULL) AS relations,
    ARRAY(
        SELECT course.id FROM enrollments AS enrollment
        JOIN courses AS course ON course.id = enrollment.course_id
        WHERE enrollment.user_id = %(user_id)s AND enrollment.status <> 'dropped'
          AND (course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id))
        ORDER BY course.id
    ) AS courses
