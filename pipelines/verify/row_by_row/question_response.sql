-- about: each answer is as last graded
-- covers: question_response
-- key: submission_id, question_id
-- name: expected
SELECT DISTINCT ON (payload.submission_id, payload.question_id) payload.submission_id::UUID AS submission_id,
       payload.question_id::UUID AS question_id, institution_id,
       payload.assessment_id::UUID AS assessment_id, course_id, user_id,
       payload.attempt::INTEGER AS attempt, payload.response AS response, payload.correct::INTEGER AS correct,
       payload.points AS points, payload.max_points AS max_points,
       round(payload.seconds * 1000)::BIGINT AS spent_ms, moment AS graded_at, event_id
FROM distinct_payloads WHERE event_type = 'assessment.question.graded'
ORDER BY payload.submission_id, payload.question_id, moment DESC, event_id DESC
-- name: found
SELECT submission_id, question_id, institution_id, assessment_id, course_id, user_id, attempt,
       response, correct::int AS correct, points::float8 AS points, max_points::float8 AS max_points,
       spent_ms, graded_at AT TIME ZONE 'UTC' AS graded_at, event_id
FROM question_response
