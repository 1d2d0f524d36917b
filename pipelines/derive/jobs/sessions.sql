-- The sessions that new events belong to, made again from all their events. One that was stored
-- and now continues an earlier one is gone; one whose beginning is as before grows.
INSERT INTO session_now
SELECT user_id, min(at), max(at), institution_id, count(*),
       coalesce(array_agg(DISTINCT device) FILTER (WHERE device IS NOT NULL), '{}')
FROM (
    SELECT *, count(*) FILTER (WHERE begins) OVER (
        PARTITION BY institution_id, user_id ORDER BY at, event_id) AS nth
    FROM (
        SELECT *, coalesce(at > lag(at) OVER (PARTITION BY institution_id, user_id
                   ORDER BY at, event_id) + %(gap)s::interval, true) AS begins
        FROM seen WHERE own
    ) AS marked
) AS numbered
GROUP BY user_id, institution_id, nth HAVING bool_or(fresh);

DELETE FROM sessions s USING session_now n
WHERE s.user_id = n.user_id AND s.institution_id = n.institution_id
  AND s.started_at > n.started_at AND s.started_at <= n.ended_at;

INSERT INTO sessions (user_id, started_at, ended_at, institution_id, events, devices)
SELECT user_id, started_at, ended_at, institution_id, events, devices FROM session_now
ON CONFLICT (user_id, started_at, institution_id) DO UPDATE SET
    ended_at = EXCLUDED.ended_at, events = EXCLUDED.events, devices = EXCLUDED.devices;
