-- What a login needs of an account, held until the session is made: whoever suspends the person or
-- changes the password waits for it, or is seen by it.
-- name: for_login
SELECT users.status, credentials.password_hash
FROM users LEFT JOIN credentials ON credentials.user_id = users.id
WHERE users.id = %(user_id)s AND users.institution_id = %(institution_id)s AND erased_at IS NULL
FOR SHARE OF users

-- name: password_hash
SELECT password_hash FROM credentials WHERE user_id = %(user_id)s

-- name: set_password
INSERT INTO credentials (user_id, institution_id, password_hash)
VALUES (%(user_id)s, %(institution_id)s, %(password_hash)s)
ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = NOW()

-- The same password hashed anew; not where it was changed in the meantime.
-- name: rehash
UPDATE credentials SET password_hash = %(fresh)s
WHERE user_id = %(user_id)s AND password_hash = %(outdated)s

-- name: drop_password
DELETE FROM credentials WHERE user_id = %(user_id)s

-- name: insert_link
INSERT INTO account_tokens
    (id, institution_id, user_id, purpose, token_hash, email_index, expires_at)
SELECT %(id)s, %(institution_id)s, id, %(purpose)s, %(token_hash)s, email_index, %(expires_at)s
FROM users WHERE id = %(user_id)s AND institution_id = %(institution_id)s

-- name: link
-- One for these purposes that can still be used.
SELECT user_id, purpose FROM account_tokens
WHERE token_hash = %(token_hash)s AND used_at IS NULL AND expires_at > %(now)s
  AND purpose = ANY(%(purposes)s)

-- name: use_link
-- Of two who use it at once one gets it.
UPDATE account_tokens SET used_at = %(now)s
FROM users
WHERE token_hash = %(token_hash)s AND used_at IS NULL AND expires_at > %(now)s
  AND purpose = ANY(%(purposes)s)
  AND users.id = account_tokens.user_id
RETURNING account_tokens.user_id, purpose,
    users.email_index IS NOT DISTINCT FROM account_tokens.email_index AS proves_address

-- name: drop_links
DELETE FROM account_tokens WHERE user_id = %(user_id)s AND used_at IS NULL
