-- One batch of parsed messages of one topic (`batch`, `$topic`).
INSERT INTO kafka_count
SELECT getvariable('topic'), event_type, institution_id::UUID, payload.course_id::UUID, payload.kind,
       timestamp[1:10]::DATE, count(*), coalesce(sum(payload.clicks), 0)
FROM batch WHERE event_id IS NOT NULL
GROUP BY ALL;

INSERT INTO kafka_id SELECT institution_id::UUID, event_id::UUID FROM batch WHERE event_id IS NOT NULL;

INSERT INTO kafka_graded_submission
SELECT institution_id::UUID, payload.course_id::UUID, payload.submission_id::UUID
FROM batch WHERE event_type = 'assessment.graded';
