-- name: signing_key
SELECT kid, private_sealed FROM certificate_keys WHERE private_sealed IS NOT NULL

-- name: lock_keys
SELECT pg_advisory_xact_lock(hashtext('certificate_keys'))

-- name: supersede
UPDATE certificate_keys SET private_sealed = NULL WHERE private_sealed IS NOT NULL

-- name: insert_key
INSERT INTO certificate_keys (kid, public_key, private_sealed)
VALUES (%(kid)s, %(public_key)s, %(private_sealed)s)

-- name: public_keys
SELECT kid, public_key, created_at, private_sealed IS NOT NULL AS signs
FROM certificate_keys ORDER BY created_at DESC, kid DESC

-- name: completion
-- What a certificate is about, and whether there is or was one for this enrollment.
SELECT enrollment.user_id, enrollment.course_id, enrollment.completed_at,
       course.title, coalesce(course.metadata ->> 'certificate', 'true') <> 'false' AS certified,
       person.erased_at IS NOT NULL AS erased,
       EXISTS (SELECT FROM certificates AS certificate
               WHERE certificate.enrollment_id = enrollment.id) AS issued_before
FROM enrollments AS enrollment
JOIN courses AS course ON course.id = enrollment.course_id
JOIN users AS person ON person.id = enrollment.user_id
WHERE enrollment.id = %(enrollment_id)s AND enrollment.institution_id = %(institution_id)s
FOR UPDATE OF enrollment

-- name: insert
INSERT INTO certificates (id, enrollment_id, user_id, course_id, code, document, signature, kid,
                          shown_name, issued_at, replaces_id, institution_id)
VALUES (%(id)s, %(enrollment_id)s, %(user_id)s, %(course_id)s, %(code)s, %(document)s,
        %(signature)s, %(kid)s, %(shown_name)s, %(issued_at)s, %(replaces_id)s, %(institution_id)s)
RETURNING {certificate}

-- name: get
SELECT {certificate} FROM certificates WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT {certificate} FROM certificates WHERE id = %(id)s AND institution_id = %(institution_id)s FOR UPDATE

-- name: of_user
SELECT {certificate} FROM certificates
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: of_course
SELECT {certificate} FROM certificates
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: revoke
UPDATE certificates
SET revoked_at = %(at)s, revoked_by = %(revoked_by)s, reason = %(reason)s
WHERE id = %(id)s
RETURNING {certificate}

-- name: show_name
UPDATE certificates SET shown_name = %(shown_name)s WHERE id = %(id)s RETURNING {certificate}

-- name: counts
SELECT id FROM certificates
WHERE enrollment_id = %(enrollment_id)s AND institution_id = %(institution_id)s
  AND revoked_at IS NULL

-- name: forget
DELETE FROM certificates WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: institution_of
SELECT institution_of_certificate(%(code)s)::text AS institution_id

-- name: verification
-- Everything that the public page is made of. The name is sealed; it is opened only to be shown.
SELECT {certificate.certificate}, key.public_key, users.id AS holder_id, users.erased_at,
       users.name_encrypted, users.directory_opt_out, person_keys.wrapped_key
FROM certificates AS certificate
JOIN certificate_keys AS key ON key.kid = certificate.kid
JOIN users ON users.id = certificate.user_id
LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE certificate.code = %(code)s AND certificate.institution_id = %(institution_id)s
