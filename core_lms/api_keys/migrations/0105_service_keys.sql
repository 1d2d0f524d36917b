-- A key of one of our own services: `service` is its name, by which the audit log knows it. Its scopes
-- are those of core_lms/api_keys/services.py; the API makes no such keys, but shows and revokes them.
ALTER TABLE api_keys ADD COLUMN service VARCHAR(40);
CREATE INDEX api_keys_of_service ON api_keys (service, created_at) WHERE service IS NOT NULL;

-- Like api_key_in_use: whoever comes with a key is not known to be of any tenant yet.
CREATE FUNCTION service_of_api_key(of_id UUID) RETURNS VARCHAR
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT service FROM api_keys WHERE id = of_id $$;
REVOKE ALL ON FUNCTION service_of_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION service_of_api_key TO learnstream_app;
