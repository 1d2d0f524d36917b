-- A key of one of our own services: `service` is its name, by which the audit log knows it. Its scopes
-- are those of core_lms/api_keys/services.py; the API makes no such keys, but shows and revokes them.
ALTER TABLE api_keys ADD COLUMN service VARCHAR(40);
CREATE INDEX api_keys_of_service ON api_keys (service, created_at) WHERE service IS NOT NULL;
