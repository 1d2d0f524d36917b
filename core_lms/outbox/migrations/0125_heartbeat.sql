-- The monitor's heartbeat enters the outbox here, and nothing else of the monitor's does: topic and
-- key are fixed. The locks are append.sql's: whoever appends under a key does so in commit order.
CREATE FUNCTION append_heartbeat(message TEXT) RETURNS VOID
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH locked AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(5000531, hashtext('heartbeat')), pg_current_xact_id()
    )
    INSERT INTO outbox (topic, key, message)
    SELECT 'lms.heartbeats', 'heartbeat', append_heartbeat.message FROM locked
$$;
REVOKE ALL ON FUNCTION append_heartbeat(TEXT) FROM PUBLIC;
