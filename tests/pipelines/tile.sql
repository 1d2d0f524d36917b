-- What Flink writes: a learner's hour, whole, in the place of what it wrote of it before.
INSERT INTO learner_tiles SELECT (jsonb_populate_record(NULL::learner_tiles, zeros || given)).*
FROM (SELECT jsonb_object_agg(attname, 0) FILTER (WHERE atttypid IN (20, 701)) AS zeros
      FROM pg_attribute WHERE attrelid = 'learner_tiles'::regclass AND attnum > 0) AS z,
     (SELECT jsonb_build_object(
         'institution_id', %s::text, 'user_id', %s::text, 'course_id', %s::text, 'part', %s::int,
         'events', %s::int, 'hour_at', '2026-01-01T00:00:00Z') AS given) AS g
ON CONFLICT (user_id, institution_id, course_id, hour_at, part) DO UPDATE
SET events = EXCLUDED.events;
