COPY (
    SELECT user_id::uuid, course_id::uuid, item_id::uuid, timestamp,
           (event_type = 'content.viewed')::int::smallint
    FROM analytics.activity_events
    WHERE topic = 'lms.content.events' AND timestamp < %s
      AND user_id IS NOT NULL AND course_id IS NOT NULL AND item_id IS NOT NULL
) TO STDOUT (FORMAT binary)
