ALTER TABLE users
    -- When the address was proven to be the person's; until then nothing may be linked by it.
    ADD COLUMN email_verified_at TIMESTAMPTZ,
    -- Registered by themselves: inactive until they open the link that was mailed to them.
    ADD COLUMN activates_on_verification BOOLEAN NOT NULL DEFAULT FALSE;

-- Lists go by (created_at, id): the index is the order of the cursor.
CREATE INDEX users_of_institution ON users (institution_id, created_at, id);

-- A role counts in the whole installation, in the institution, or in one course. Whoever has the
-- same role twice has it once.
UPDATE user_roles SET scope = 'institution' WHERE scope IS NULL;
DELETE FROM user_roles AS one USING user_roles AS other
WHERE one.user_id = other.user_id AND one.role_name = other.role_name
  AND one.scope = other.scope AND one.id > other.id;
ALTER TABLE user_roles
    ADD COLUMN granted_by UUID REFERENCES users(id) ON DELETE SET NULL,
    ALTER COLUMN scope SET NOT NULL,
    ADD CONSTRAINT user_roles_scope CHECK (
        scope IN ('global', 'institution')
        OR scope ~ '^course:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    ),
    ADD CONSTRAINT user_roles_once UNIQUE (user_id, role_name, scope);
