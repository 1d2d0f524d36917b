-- name: marks
SELECT batch_no, offsets, arrived FROM archive_marks ORDER BY batch_no

-- name: now
SELECT greatest((SELECT max(batch_no) FROM archive_batches),
                (SELECT done_batch_no FROM derive_position), 0),
       (SELECT coalesce(jsonb_object_agg(topic, places), '{}')
        FROM (SELECT topic, jsonb_object_agg(partition, next_offset) AS places
              FROM archive_offsets GROUP BY topic) AS of_topic),
       (SELECT coalesce(jsonb_object_agg(topic, n), '{}')
        FROM (SELECT topic, sum(events)::bigint AS n FROM archive_arrivals GROUP BY topic) AS t)

-- name: archived_event
SELECT event_id, event_type, topic, timestamp AT TIME ZONE 'UTC' AS moment, institution_id, user_id,
       course_id, item_id, kind,
       CASE WHEN event_type = 'content.viewed' THEN coalesce(clicks, 1) END AS clicks,
       payload ->> 'device' AS device
FROM activity_events WHERE batch_no <= {batch_no}

-- name: insert_event
INSERT INTO kafka_event BY NAME SELECT * FROM archived_event

-- name: archived_payload
SELECT event_id, event_type, timestamp AT TIME ZONE 'UTC' AS moment, institution_id, user_id,
       course_id, item_id, kind, payload::text AS payload
FROM activity_events
WHERE batch_no <= {batch_no} AND (topic <> 'lms.content.events' OR event_type = 'video.watched')

-- name: insert_payload
INSERT INTO kafka_payload BY NAME
SELECT * REPLACE (from_json(payload, '{payload}') AS payload)
FROM archived_payload
