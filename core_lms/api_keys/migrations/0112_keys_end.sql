-- Every key ends (a service's when it is rotated), and counts no longer than whoever made it may make keys.
UPDATE api_keys SET expires_at = now() + INTERVAL '90 days' WHERE expires_at IS NULL AND service IS NULL;
ALTER TABLE api_keys ADD CHECK (expires_at IS NOT NULL OR service IS NOT NULL);
ALTER TABLE api_keys ADD COLUMN made_with UUID REFERENCES api_keys(id); -- the key that made this one
CREATE INDEX api_keys_made_with ON api_keys (made_with) WHERE made_with IS NOT NULL;
CREATE INDEX api_keys_made_by ON api_keys (created_by) WHERE created_by IS NOT NULL;

-- As before, and what its maker is now: a key whose maker is suspended, erased or gone is not found.
DROP FUNCTION api_key_in_use(BYTEA);
CREATE FUNCTION api_key_in_use(of_hash BYTEA)
RETURNS TABLE (
    id UUID, institution_id UUID, scopes TEXT[], expires_at TIMESTAMPTZ, made_by UUID,
    maker_roles TEXT[], service VARCHAR
)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE api_keys AS key SET last_used_at = now()
    WHERE key.hash = of_hash AND key.revoked_at IS NULL AND (key.expires_at > now()) IS NOT FALSE
      AND (key.last_used_at > now() - INTERVAL '1 minute') IS NOT TRUE
      AND (key.created_by IS NULL OR EXISTS (
          SELECT FROM users AS maker
          WHERE maker.id = key.created_by AND maker.status = 'active' AND maker.erased_at IS NULL
      ));
    SELECT key.id, key.institution_id, key.scopes, key.expires_at, key.created_by,
        ARRAY(SELECT role_name || '@' || scope FROM user_roles
              WHERE user_id = key.created_by AND scope IN ('global', 'institution') ORDER BY 1),
        key.service
    FROM api_keys AS key
    WHERE key.hash = of_hash AND key.revoked_at IS NULL AND (key.expires_at > now()) IS NOT FALSE
      AND (key.created_by IS NULL OR EXISTS (
          SELECT FROM users AS maker
          WHERE maker.id = key.created_by AND maker.status = 'active' AND maker.erased_at IS NULL
      ))
$$;
REVOKE ALL ON FUNCTION api_key_in_use FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api_key_in_use TO learnstream_app;
