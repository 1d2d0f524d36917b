-- name: insert
INSERT INTO identity_providers
    (id, institution_id, name, title, issuer, client_id, client_secret_sealed, token_auth, scopes,
     redirect_uris, provisions, links_by_email, trusts_email, email_domains, enabled)
VALUES
    (%(id)s, %(institution_id)s, %(name)s, %(title)s, %(issuer)s, %(client_id)s,
     %(client_secret_sealed)s, %(token_auth)s, %(scopes)s, %(redirect_uris)s, %(provisions)s,
     %(links_by_email)s, %(trusts_email)s, %(email_domains)s, %(enabled)s)
RETURNING {provider}

-- name: all
SELECT {provider} FROM identity_providers WHERE institution_id = %(institution_id)s ORDER BY name

-- name: of_name
SELECT {provider} FROM identity_providers
WHERE institution_id = %(institution_id)s AND name = %(name)s

-- name: of_name_locked
SELECT {provider} FROM identity_providers
WHERE institution_id = %(institution_id)s AND name = %(name)s
FOR UPDATE

-- What is not given (NULL) stays.
-- name: update
UPDATE identity_providers SET
    title = coalesce(%(title)s, title),
    client_id = coalesce(%(client_id)s, client_id),
    client_secret_sealed = coalesce(%(client_secret_sealed)s, client_secret_sealed),
    redirect_uris = coalesce(%(redirect_uris)s::text[], redirect_uris),
    provisions = coalesce(%(provisions)s, provisions),
    links_by_email = coalesce(%(links_by_email)s, links_by_email),
    trusts_email = coalesce(%(trusts_email)s, trusts_email),
    email_domains = coalesce(%(email_domains)s::text[], email_domains),
    enabled = coalesce(%(enabled)s, enabled),
    updated_at = NOW()
WHERE id = %(id)s
RETURNING {provider}

-- name: delete
DELETE FROM identity_providers
WHERE institution_id = %(institution_id)s AND name = %(name)s

-- name: identity
-- Whose account it is; notes that they came.
UPDATE identities SET last_login_at = NOW()
WHERE institution_id = %(institution_id)s AND subject_index = %(subject_index)s
RETURNING user_id

-- name: link
INSERT INTO identities (id, institution_id, user_id, provider_id, subject_index)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(provider_id)s, %(subject_index)s)

-- name: of_user
SELECT identity.id, provider.name AS provider, provider.title, identity.created_at,
    identity.last_login_at
FROM identities AS identity
JOIN identity_providers AS provider ON provider.id = identity.provider_id
WHERE identity.user_id = %(user_id)s
ORDER BY identity.created_at, identity.id

-- name: unlink
DELETE FROM identities WHERE id = %(id)s AND user_id = %(user_id)s
