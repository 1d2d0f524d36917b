-- Who is still named. Rows that wait are sealed first, so that all that names them is in the log.
-- name: erased
SELECT user_id, pseudonym, institution_id FROM erasures AS one
WHERE user_id IS NOT NULL AND audited_at IS NULL AND NOT EXISTS (
    SELECT FROM audit_queue AS waiting
    WHERE waiting.institution_id = one.institution_id
      AND (one.user_id = ANY (about) OR actor = 'user/' || one.user_id
           OR position(one.user_id::TEXT IN resource) > 0))
ORDER BY erased_at

-- name: change
SELECT * FROM redact_audit_log(%(user_id)s)

-- name: last
SELECT position, hash FROM audit_log ORDER BY position DESC LIMIT 1

-- name: vouch
INSERT INTO audit_log (position, id, at, actor, action, resource, about, session_id,
                       institution_id, sealed_at, hash)
VALUES (%(position)s, %(id)s, %(at)s, %(actor)s, %(action)s, %(resource)s, %(about)s,
        %(session_id)s, %(institution_id)s, %(sealed_at)s, %(hash)s)

-- name: note
INSERT INTO audit_redactions (position, redacted_at_position, content_hash) VALUES (%s, %s, %s)

-- name: done
UPDATE erasures SET audited_at = now() WHERE user_id = %(user_id)s

-- Of each changed row what vouches for it last, and the vouching rows with all that they changed.
-- name: redactions
SELECT position, redacted_at_position, content_hash FROM audit_redactions
ORDER BY redacted_at_position, position
