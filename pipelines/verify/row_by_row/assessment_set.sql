-- about: each assessment is as its newest event says
-- covers: assessment_set
-- key: assessment_id
-- name: expected
SELECT DISTINCT ON (payload.assessment_id) payload.assessment_id::UUID AS assessment_id, institution_id,
       course_id, kind, payload.due_at::TIMESTAMP AS due_at, payload.weight AS weight,
       payload.pass_score AS pass_score, moment AS told_at, event_id
FROM distinct_payloads WHERE event_type IN ('assessment.created', 'assessment.updated')
ORDER BY payload.assessment_id, moment DESC, event_id DESC
-- name: found
SELECT assessment_id, institution_id, course_id, kind, due_at AT TIME ZONE 'UTC' AS due_at,
       weight::float8 AS weight, pass_score::float8 AS pass_score,
       told_at AT TIME ZONE 'UTC' AS told_at, event_id
FROM assessment_set
