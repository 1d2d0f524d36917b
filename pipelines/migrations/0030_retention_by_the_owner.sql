-- Dropping chunks is the owner's: the derivation, which owns nothing, asks this function to.
ALTER FUNCTION retain_archive(integer, jsonb) SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE ALL ON FUNCTION retain_archive(integer, jsonb) FROM PUBLIC;
