-- One account of the catalogue, sealed; a suspended one stays suspended.
WITH account AS (
    INSERT INTO users (id, email, name, role, profile, invented, institution_id,
                       email_encrypted, name_encrypted, profile_encrypted, email_index)
    VALUES (%(id)s, %(email)s, %(name)s, %(role)s, %(profile)s, TRUE, %(institution_id)s,
            %(email_encrypted)s, %(name_encrypted)s, %(profile_encrypted)s, %(email_index)s)
    ON CONFLICT (id) DO UPDATE SET
        email = excluded.email,
        name = excluded.name,
        role = excluded.role,
        profile = excluded.profile,
        invented = TRUE,
        email_encrypted = excluded.email_encrypted,
        name_encrypted = excluded.name_encrypted,
        profile_encrypted = excluded.profile_encrypted,
        email_index = excluded.email_index,
        updated_at = NOW()
    RETURNING id, institution_id, role, status, xmax = 0 AS created
), kept AS (
    INSERT INTO person_keys (user_id, institution_id, wrapped_key)
    SELECT id, institution_id, %(wrapped_key)s FROM account
    ON CONFLICT (user_id) DO UPDATE SET wrapped_key = excluded.wrapped_key
)
SELECT id::TEXT, created, role, status FROM account
