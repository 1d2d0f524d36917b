-- name: consent.given
SELECT FROM consents WHERE user_id = %(user_id)s AND purpose = %(purpose)s AND given

-- name: consent.withdrawn
SELECT FROM consents WHERE user_id = %(user_id)s AND purpose = %(purpose)s AND NOT given
