-- about: submissions, grades and scores per assessment and day are right
-- covers: assessment_activity
-- key: institution_id, course_id, assessment_id, day_at
-- name: expected
-- What a grade replaces is taken back as a row of its own.
WITH grade AS (
    SELECT institution_id, course_id, payload.assessment_id::UUID AS assessment_id,
           date_trunc('day', moment)::TIMESTAMP AS day_at, 1 AS n, payload.previous_score IS NULL AS first,
           payload.score AS score, payload.passed AS passed
    FROM distinct_payloads WHERE event_type = 'assessment.graded'
    UNION ALL
    SELECT institution_id, course_id, payload.assessment_id::UUID,
           date_trunc('day', moment)::TIMESTAMP, -1, false, payload.previous_score,
           payload.previous_passed
    FROM distinct_payloads WHERE event_type = 'assessment.graded'),
work AS (
    SELECT institution_id, course_id, payload.assessment_id::UUID AS assessment_id,
           date_trunc('day', moment)::TIMESTAMP AS day_at, count(*) AS submitted,
           count(*) FILTER (WHERE payload.late) AS late
    FROM distinct_payloads WHERE event_type = 'assessment.submitted' GROUP BY ALL),
grades AS (
    SELECT institution_id, course_id, assessment_id, day_at,
           count(*) FILTER (WHERE first) AS graded,
           coalesce(sum(n) FILTER (WHERE passed IS NOT NULL), 0) AS rated,
           coalesce(sum(n) FILTER (WHERE passed), 0) AS passed,
           coalesce(sum(n * floor(score * 1e6 + 0.5)), 0) AS score_millionths,
           coalesce(sum(n * floor(score * score * 1e6 + 0.5)), 0) AS square_millionths
    FROM grade GROUP BY ALL)
SELECT institution_id, course_id, assessment_id, day_at, coalesce(submitted, 0)::BIGINT AS submitted,
       coalesce(late, 0)::BIGINT AS late, coalesce(graded, 0)::BIGINT AS graded,
       coalesce(rated, 0)::BIGINT AS rated, coalesce(passed, 0)::BIGINT AS passed,
       coalesce(score_millionths, 0)::BIGINT AS score_millionths,
       coalesce(square_millionths, 0)::BIGINT AS square_millionths
FROM work FULL JOIN grades USING (institution_id, course_id, assessment_id, day_at)
WHERE (submitted, graded, rated, passed, score_millionths) IS DISTINCT FROM (NULL, 0, 0, 0, 0)
-- name: found
SELECT * FROM (
    SELECT institution_id, course_id, assessment_id, day_at AT TIME ZONE 'UTC' AS day_at,
           sum(submitted)::bigint AS submitted, sum(late)::bigint AS late,
           sum(graded)::bigint AS graded, sum(rated)::bigint AS rated, sum(passed)::bigint AS passed,
           round(sum(score_sum) * 1000000)::bigint AS score_millionths,
           round(sum(score_squares) * 1000000)::bigint AS square_millionths
    FROM assessment_activity GROUP BY 1, 2, 3, 4
) AS of_parts
WHERE submitted <> 0 OR graded <> 0 OR rated <> 0 OR passed <> 0 OR score_millionths <> 0
