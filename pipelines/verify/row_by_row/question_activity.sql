-- about: answers and points per question and day are right
-- covers: question_activity
-- key: institution_id, course_id, assessment_id, question_id, day_at
-- name: expected
WITH answer AS (
    SELECT institution_id, course_id, payload.assessment_id::UUID AS assessment_id,
           payload.question_id::UUID AS question_id, date_trunc('day', moment)::TIMESTAMP AS day_at,
           payload.previous_points IS NULL AS first, payload
    FROM distinct_payloads WHERE event_type = 'assessment.question.graded')
SELECT * FROM (
    SELECT institution_id, course_id, assessment_id, question_id, day_at,
           count(*) FILTER (WHERE first) AS answers,
           count(*) FILTER (WHERE payload.correct)
               - count(*) FILTER (WHERE payload.previous_correct) AS correct,
           sum(floor(payload.points * 1e6 + 0.5)
               - coalesce(floor(payload.previous_points * 1e6 + 0.5), 0))::BIGINT AS point_millionths,
           coalesce(sum(floor(payload.max_points * 1e6 + 0.5)) FILTER (WHERE first), 0)::BIGINT
               AS max_millionths
    FROM answer GROUP BY ALL)
WHERE answers <> 0 OR correct <> 0 OR point_millionths <> 0
-- name: found
SELECT * FROM (
    SELECT institution_id, course_id, assessment_id, question_id, day_at AT TIME ZONE 'UTC' AS day_at,
           sum(answers)::bigint AS answers, sum(correct)::bigint AS correct,
           round(sum(points) * 1000000)::bigint AS point_millionths,
           round(sum(max_points) * 1000000)::bigint AS max_millionths
    FROM question_activity GROUP BY 1, 2, 3, 4, 5
) AS of_parts
WHERE answers <> 0 OR correct <> 0 OR point_millionths <> 0
