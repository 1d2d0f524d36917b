-- Events ahead of their arrival: they move nobody's newest moment, and are in no live counter.
SELECT DISTINCT institution_id, user_id, course_id, item_id,
       date_trunc('minute', timestamp) AT TIME ZONE 'UTC' AS minute_at
FROM activity_events WHERE timestamp > received_at + INTERVAL '5 minutes'
