-- The history as messages: (day, rank within the day, topic, key, value). The value is the envelope
-- as contracts.envelope encodes it, byte for byte (a test compares them).
CREATE MACRO envelope(event_id, event_type, day, payload) AS concat(
    '{"event_id":"', event_id, '","event_type":"', event_type,
    '","timestamp":"', date_of(day), 'T00:00:00Z","source_service":"importer",',
    '"schema_version":', CASE event_type WHEN 'assessment.graded' THEN 2 ELSE 1 END,
    ',"institution_id":"', getvariable('institution'), '","payload":{', payload,
    '}}'
);
CREATE MACRO event_id_of(event_type, subject) AS
    oulad_id(concat('event/', event_type, '/', subject));
CREATE MACRO submission_payload(submission_id, assessment_id, user_id, course_id, kind) AS concat(
    '"submission_id":"', submission_id, '","assessment_id":"', assessment_id,
    '","user_id":"', user_id, '","course_id":"', course_id, '","kind":"', kind, '"'
);
CREATE MACRO enrollment_payload(enrollment_id, user_id, course_id) AS concat(
    '"enrollment_id":"', enrollment_id, '","user_id":"', user_id, '","course_id":"', course_id, '"'
);

-- Few enough to keep as text; whoever another import brought is not announced again.
CREATE TABLE rare_message AS
WITH rare (day, rank, topic, key, event_type, subject, payload) AS (
    SELECT day, 0, 'lms.users.events', user_id, 'user.created', user_id,
           concat('"user_id":"', user_id, '","role":"', role, '","status":"active"')
    FROM account ANTI JOIN known USING (user_id)
    UNION ALL
    SELECT day, 1, 'lms.courses.events', course_id, 'course.created', course_id,
           concat('"course_id":"', course_id, '","instructor_id":"', oulad_id('instructor'), '"')
    FROM course
    UNION ALL
    SELECT day, 2, 'lms.courses.events', course_id, 'course.published', course_id,
           concat('"course_id":"', course_id, '"')
    FROM course
    UNION ALL
    SELECT course.day, 3, 'lms.assessments.events', assessment_id, 'assessment.created',
           assessment_id,
           concat('"assessment_id":"', assessment_id, '","course_id":"', course_id, '","kind":"',
                  kind, '","due_at":"', date_of(due_day), 'T00:00:00Z","weight":', weight,
                  ',"pass_score":null')
    FROM assessment JOIN course USING (course_id)
    UNION ALL
    SELECT day, 4, 'lms.enrollments.events', user_id, 'enrollment.created', enrollment_id,
           enrollment_payload(enrollment_id, user_id, course_id)
    FROM enrollment
    UNION ALL
    SELECT day, 5, 'lms.assessments.events', user_id, 'assessment.submitted', submission_id,
           concat(submission_payload(submission_id, assessment_id, user_id, course_id, kind),
                  ',"attempt":null,"late":null')
    FROM submission
    UNION ALL
    SELECT day, 6, 'lms.assessments.events', user_id, 'assessment.graded', submission_id,
           concat(submission_payload(submission_id, assessment_id, user_id, course_id, kind),
                  ',"score":', score, ',"passed":null,"previous_score":null,',
                  '"previous_passed":null,"attempt":null')
    FROM submission WHERE score IS NOT NULL
    UNION ALL
    SELECT dropped_day, 7, 'lms.enrollments.events', user_id, 'enrollment.dropped', enrollment_id,
           enrollment_payload(enrollment_id, user_id, course_id)
    FROM enrollment WHERE dropped_day IS NOT NULL
    UNION ALL
    SELECT completed_day, 8, 'lms.enrollments.events', user_id, 'course.completed', enrollment_id,
           concat(enrollment_payload(enrollment_id, user_id, course_id),
                  ',"completion_percentage":100.0,"certification_issued":false,',
                  '"time_spent_minutes":null')
    FROM enrollment WHERE completed_day IS NOT NULL
)
SELECT day, rank, topic, event_type, key::VARCHAR AS key,
       envelope(event_id_of(event_type, subject), event_type, day, payload) AS value
FROM rare
ORDER BY day, rank, subject;

-- Millions: the text is made when a chunk of days is read. Reading a table keeps its order, and the
-- table is in order of days, so each learner's events stay in order.
CREATE VIEW message AS
SELECT day, topic, event_type, key, value FROM rare_message
UNION ALL
SELECT day, 'lms.content.events', 'content.viewed', user_id::VARCHAR,
       envelope(event_id, 'content.viewed', day,
                concat('"user_id":"', user_id, '","course_id":"', course_id,
                       '","item_id":"', item_id, '","kind":"', kind, '","clicks":', clicks, ',"device":null'))
FROM view;
