-- Arrays travel in binary (%%b): as text, quoting them costs ten times as much as all the rest.
-- Appends events in the given order. The locks come first and are held until the transaction ends:
-- whoever writes an event of the same key takes its outbox id after we have committed, so ids of one
-- key are in commit order. Forcing the transaction's id before the outbox id is taken is what lets
-- the relay prove that no row below a given id can still appear (LowWater in table.py).
WITH locked AS MATERIALIZED (
    SELECT count(pg_advisory_xact_lock(%(lock_class)s, hashes.hash)) AS keys, pg_current_xact_id()
    FROM (SELECT DISTINCT hashtext(key) AS hash FROM unnest(%(keys)b::text[]) AS key
          ORDER BY hash) AS hashes -- one order for all writers: no deadlock between two of them
)
INSERT INTO outbox (topic, key, message, traceparent, history)
SELECT event.topic, event.key, event.message, %(traceparent)s, event.place = ANY(%(history)s::int[])
FROM locked, unnest(%(topics)b::text[], %(keys)b::text[], %(messages)b::text[])
    WITH ORDINALITY AS event (topic, key, message, place)
ORDER BY event.place
