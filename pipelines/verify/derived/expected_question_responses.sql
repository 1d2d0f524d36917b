SELECT DISTINCT ON (payload.submission_id, payload.question_id) institution_id, course_id,
       payload.assessment_id::UUID AS assessment_id, payload.question_id::UUID AS question_id,
       payload.submission_id AS submission_id, payload.attempt AS attempt, payload.response AS response,
       payload.correct AS correct, payload.points AS points, payload.seconds AS seconds
FROM distinct_payloads WHERE event_type = 'assessment.question.graded'
ORDER BY payload.submission_id, payload.question_id, moment DESC, event_id DESC
