-- name: certificate
SELECT certificate.revoked_at IS NOT NULL AS revoked, certificate.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN certificate.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = certificate.user_id
          AND verified_at IS NOT NULL
    ) THEN 'guardian' END,
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM certificates AS certificate
JOIN courses AS course ON course.id = certificate.course_id
WHERE certificate.id = %(certificate_id)s AND certificate.institution_id = %(institution_id)s

-- name: verification
SELECT certificate.revoked_at IS NOT NULL AS revoked, ARRAY[]::text[] AS relations
FROM certificates AS certificate
WHERE certificate.code = %(code)s AND certificate.institution_id = %(institution_id)s
