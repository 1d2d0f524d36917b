-- name: user.password.changed
-- The clocks of processes and database may differ.
SELECT FROM credentials
WHERE user_id = %(user_id)s AND changed_at >= %(at)s::timestamptz - INTERVAL '5 minutes'
