-- One batch of parsed messages of one topic (`batch`, `$topic`).
INSERT INTO kafka_event
SELECT event_id::UUID, event_type, getvariable('topic'),
       timestamp::TIMESTAMP, institution_id::UUID, payload.user_id::UUID, payload.course_id::UUID,
       payload.item_id::UUID, payload.kind,
       CASE WHEN event_type = 'content.viewed' THEN coalesce(payload.clicks, 1) END,
       payload.device
FROM batch WHERE event_id IS NOT NULL;

INSERT INTO kafka_payload
SELECT event_id::UUID, event_type, timestamp::TIMESTAMP, institution_id::UUID,
       payload.user_id::UUID, payload.course_id::UUID, payload.item_id::UUID, payload.kind, payload
FROM batch
WHERE event_id IS NOT NULL
  AND (getvariable('topic') <> 'lms.content.events' OR event_type = 'video.watched');
