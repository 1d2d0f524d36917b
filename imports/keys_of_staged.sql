-- The keys of those people whose rows were new: of anybody else the row keeps its own key.
INSERT INTO person_keys (user_id, institution_id, wrapped_key)
SELECT id, institution_id, staged.wrapped_key
FROM staging_users AS staged JOIN users USING (id, institution_id)
WHERE users.name_encrypted = staged.name_encrypted
ON CONFLICT DO NOTHING
