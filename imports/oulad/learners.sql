-- Students of one institution, with what opens their profiles.
SELECT users.id, profile, profile_encrypted, erased_at, wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE role = 'student' AND users.institution_id = %s AND erased_at IS NULL
