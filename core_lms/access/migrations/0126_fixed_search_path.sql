-- A function with its owner's rights must find its own tables: a path that does not name pg_temp
-- looks there first, where the caller may have made one.
ALTER FUNCTION institution_of_certificate(TEXT) SET search_path = public, pg_temp;
ALTER FUNCTION claim_deliveries(INT, INTERVAL) SET search_path = public, pg_temp;
ALTER FUNCTION delete_old_notifications(INTERVAL, INT) SET search_path = public, pg_temp;
