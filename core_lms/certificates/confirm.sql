-- name: certificate.issued
SELECT FROM certificates
WHERE id = %(certificate_id)s AND enrollment_id = %(enrollment_id)s AND user_id = %(user_id)s
  AND course_id = %(course_id)s

-- name: certificate.revoked
SELECT FROM certificates
WHERE id = %(certificate_id)s AND enrollment_id = %(enrollment_id)s AND user_id = %(user_id)s
  AND course_id = %(course_id)s AND revoked_at IS NOT NULL
