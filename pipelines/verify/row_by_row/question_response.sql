-- about: each answer, as last graded
-- covers: question_response
-- key: submission_id, question_id
-- name: expected
SELECT DISTINCT ON (told.submission_id, told.question_id) told.submission_id::UUID AS submission_id,
       told.question_id::UUID AS question_id, institution_id,
       told.assessment_id::UUID AS assessment_id, course_id, user_id,
       told.attempt::INTEGER AS attempt, told.response AS response, told.correct::INTEGER AS correct,
       told.points AS points, told.max_points AS max_points,
       round(told.seconds * 1000)::BIGINT AS spent_ms, moment AS graded_at, event_id
FROM a_told WHERE event_type = 'assessment.question.graded'
ORDER BY told.submission_id, told.question_id, moment DESC, event_id DESC
-- name: found
SELECT submission_id, question_id, institution_id, assessment_id, course_id, user_id, attempt,
       response, correct::int AS correct, points::float8 AS points, max_points::float8 AS max_points,
       spent_ms, graded_at AT TIME ZONE 'UTC' AS graded_at, event_id
FROM question_response
