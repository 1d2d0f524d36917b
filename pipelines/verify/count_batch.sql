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
       payload.user_id::UUID, payload.course_id::UUID, payload.item_id::UUID, payload.kind,
       struct_pack(
           submission_id := payload.submission_id, assessment_id := payload.assessment_id,
           question_id := payload.question_id, recommendation_id := payload.recommendation_id,
           response := payload.response, source := payload.source, model := payload.model,
           arm := payload.arm, due_at := payload.due_at, purpose := payload.purpose,
           from_s := payload.from_s,
           to_s := payload.to_s, progress := payload.progress, score := payload.score,
           points := payload.points, max_points := payload.max_points, seconds := payload.seconds,
           weight := payload.weight, pass_score := payload.pass_score,
           attempt := payload.attempt, "position" := payload."position", late := payload.late,
           passed := payload.passed, correct := payload.correct)
FROM batch
WHERE event_id IS NOT NULL
  AND (getvariable('topic') <> 'lms.content.events' OR event_type = 'video.watched');
