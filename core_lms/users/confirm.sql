-- What of the LMS's own rows has to be there before an event of this type has an effect
-- (core_lms/inbox/confirming.py). A condition that held once holds for ever: an event may come late.

-- name: user.created
SELECT FROM users WHERE id = %(user_id)s

-- name: user.updated
SELECT FROM users WHERE id = %(user_id)s

-- name: user.deleted
-- Nobody is known by this id any more.
SELECT WHERE NOT EXISTS (SELECT FROM users WHERE id = %(user_id)s AND erased_at IS NULL)

-- name: user.verification.requested
SELECT FROM users
WHERE id = %(user_id)s AND erased_at IS NULL AND (status = 'active' OR activates_on_verification)

-- name: user.password.reset.requested
SELECT FROM users WHERE id = %(user_id)s AND erased_at IS NULL AND status = 'active'
