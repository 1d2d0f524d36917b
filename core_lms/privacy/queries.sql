-- name: consents
SELECT DISTINCT ON (purpose) {choice} FROM consents
WHERE user_id = %(user_id)s ORDER BY purpose, created_at DESC, id DESC

-- name: consent_history
SELECT {change} FROM consents
WHERE user_id = %(user_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s, %(after_id)s))
ORDER BY created_at, id LIMIT %(rows)s

-- name: insert_consent
INSERT INTO consents (id, user_id, purpose, given, changed_by, institution_id)
VALUES (%(id)s, %(user_id)s, %(purpose)s, %(given)s, %(changed_by)s, %(institution_id)s)

-- name: guardians
SELECT {guardian} FROM guardians
WHERE learner_id = %(user_id)s ORDER BY created_at, guardian_id

-- name: wards
SELECT {guardian} FROM guardians
WHERE guardian_id = %(user_id)s ORDER BY created_at, learner_id

-- name: add_guardian
INSERT INTO guardians (guardian_id, learner_id, institution_id)
VALUES (%(guardian_id)s, %(learner_id)s, %(institution_id)s)
ON CONFLICT DO NOTHING

-- name: guardian
SELECT {guardian} FROM guardians
WHERE learner_id = %(learner_id)s AND guardian_id = %(guardian_id)s

-- name: verify_guardian
UPDATE guardians SET verified_at = coalesce(verified_at, NOW()),
                     verified_by = coalesce(verified_by, %(verified_by)s)
WHERE learner_id = %(learner_id)s AND guardian_id = %(guardian_id)s
RETURNING {guardian}

-- name: remove_guardian
DELETE FROM guardians WHERE learner_id = %(learner_id)s AND guardian_id = %(guardian_id)s

-- name: set_directory
UPDATE users SET directory_opt_out = %(opted_out)s
WHERE id = %(user_id)s AND institution_id = %(institution_id)s AND erased_at IS NULL

-- Everybody in the course, or only those whose names classmates may see.
-- name: class_list
SELECT enrollment.id AS enrollment_id, enrollment.created_at, users.id, users.role, email, name,
       email_encrypted, name_encrypted, erased_at, wrapped_key
FROM enrollments AS enrollment
JOIN users ON users.id = enrollment.user_id
LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE enrollment.course_id = %(course_id)s AND enrollment.status <> 'dropped'
  AND users.erased_at IS NULL
  AND (%(everybody)s OR NOT directory_opt_out OR users.id = %(caller_id)s)
  AND (%(after_first)s::timestamptz IS NULL
       OR (enrollment.created_at, enrollment.id) > (%(after_first)s, %(after_id)s))
ORDER BY enrollment.created_at, enrollment.id LIMIT %(rows)s
