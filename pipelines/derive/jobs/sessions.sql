-- The sessions that new events belong to: the stored ones and the fragments of new events, joined
-- where they are within the gap. A stored session that now continues an earlier one is deleted; one
-- that starts as before is updated.
INSERT INTO session_after (user_id, started_at, ended_at, institution_id, events, devices)
SELECT user_id, min(started_at), max(ended_at), institution_id, sum(events),
       CASE WHEN count(devices) = 0 THEN '{}'
            ELSE ARRAY(SELECT DISTINCT device
                       FROM unnest(string_to_array(string_agg(devices, E'\x1f'), E'\x1f')) AS device
                       ORDER BY device) END
FROM (
    SELECT *, count(*) FILTER (WHERE begins) OVER (
        PARTITION BY user_id, institution_id ORDER BY started_at, ended_at
        ROWS UNBOUNDED PRECEDING) AS nth
    FROM (
        SELECT *, coalesce(started_at > %(gap)s::interval + max(ended_at) OVER (
            PARTITION BY user_id, institution_id ORDER BY started_at, ended_at
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS begins
        FROM (
            SELECT user_id, institution_id, started_at, ended_at, events, true AS is_new, devices
            FROM session_fragment
            UNION ALL
            SELECT DISTINCT user_id, institution_id, started_at, ended_at, events, false,
                   nullif(array_to_string(devices, E'\x1f'), '')
            FROM session_before
        ) AS fragments
    ) AS marked
) AS numbered
GROUP BY user_id, institution_id, nth HAVING bool_or(is_new);

DELETE FROM sessions s
USING session_before b JOIN session_after n
    ON n.user_id = b.user_id AND n.institution_id = b.institution_id
    AND b.started_at > n.started_at AND b.started_at <= n.ended_at
WHERE s.user_id = b.user_id AND s.institution_id = b.institution_id
  AND s.started_at = b.started_at;

INSERT INTO sessions (user_id, started_at, ended_at, institution_id, events, devices)
SELECT user_id, started_at, ended_at, institution_id, events, devices FROM session_after n
WHERE NOT EXISTS (SELECT FROM session_before b
                  WHERE b.user_id = n.user_id AND b.institution_id = n.institution_id
                    AND b.started_at = n.started_at)
ORDER BY user_id, started_at;

INSERT INTO sessions (user_id, started_at, ended_at, institution_id, events, devices)
SELECT user_id, started_at, ended_at, institution_id, events, devices FROM session_after n
WHERE EXISTS (SELECT FROM session_before b
              WHERE b.user_id = n.user_id AND b.institution_id = n.institution_id
                AND b.started_at = n.started_at)
ON CONFLICT (user_id, started_at, institution_id) DO UPDATE SET
    ended_at = EXCLUDED.ended_at, events = EXCLUDED.events, devices = EXCLUDED.devices;
