SELECT user_id, started_at AT TIME ZONE 'UTC' AS started_at, ended_at AT TIME ZONE 'UTC' AS ended_at,
       institution_id, events, array_to_string(devices, ',') AS devices, duration_ms
FROM sessions
