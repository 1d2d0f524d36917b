-- name: consents
SELECT DISTINCT ON (purpose) purpose, given, created_at FROM consents
WHERE user_id = %(user_id)s ORDER BY purpose, created_at DESC, id DESC

-- name: consent_history
SELECT id, user_id, purpose, given, changed_by, created_at FROM consents
WHERE user_id = %(user_id)s
  AND (%(after)s::timestamptz IS NULL OR (created_at, id) > (%(after)s, %(after_id)s))
ORDER BY created_at, id LIMIT %(limit)s

-- name: insert_consent
INSERT INTO consents (id, user_id, purpose, given, changed_by, institution_id)
VALUES (%(id)s, %(user_id)s, %(purpose)s, %(given)s, %(changed_by)s, %(institution_id)s)

-- Changes of one person's choices come one after the other, so that the last is the last.
-- name: lock_person
SELECT users.*, wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.id = %(user_id)s AND users.institution_id = %(institution_id)s
FOR UPDATE OF users

-- name: guardians
SELECT guardian_id, learner_id, created_at, verified_at FROM guardians
WHERE learner_id = %(user_id)s ORDER BY created_at, guardian_id

-- name: wards
SELECT guardian_id, learner_id, created_at, verified_at FROM guardians
WHERE guardian_id = %(user_id)s ORDER BY created_at, learner_id

-- name: add_guardian
INSERT INTO guardians (guardian_id, learner_id, institution_id)
VALUES (%(guardian_id)s, %(learner_id)s, %(institution_id)s)
ON CONFLICT DO NOTHING

-- name: guardian
SELECT guardian_id, learner_id, created_at, verified_at FROM guardians
WHERE learner_id = %(learner_id)s AND guardian_id = %(guardian_id)s

-- name: verify_guardian
UPDATE guardians SET verified_at = coalesce(verified_at, NOW()),
                     verified_by = coalesce(verified_by, %(verified_by)s)
WHERE learner_id = %(learner_id)s AND guardian_id = %(guardian_id)s
RETURNING guardian_id, learner_id, created_at, verified_at

-- name: remove_guardian
DELETE FROM guardians WHERE learner_id = %(learner_id)s AND guardian_id = %(guardian_id)s

-- name: set_directory
UPDATE users SET directory_opt_out = %(opted_out)s
WHERE id = %(user_id)s AND institution_id = %(institution_id)s AND erased_at IS NULL
RETURNING directory_opt_out

-- Everybody in the course, or only those whose names classmates may see.
-- name: class_list
SELECT enrollment.id, enrollment.user_id, enrollment.created_at, users.role, wrapped_key,
       users.id AS person_id, email_encrypted, name_encrypted, email, name, erased_at
FROM enrollments AS enrollment
JOIN users ON users.id = enrollment.user_id
LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE enrollment.course_id = %(course_id)s AND enrollment.status <> 'dropped'
  AND users.erased_at IS NULL
  AND (%(everybody)s OR NOT directory_opt_out OR users.id = %(caller_id)s)
  AND (%(after)s::timestamptz IS NULL
       OR (enrollment.created_at, enrollment.id) > (%(after)s, %(after_id)s))
ORDER BY enrollment.created_at, enrollment.id LIMIT %(limit)s
