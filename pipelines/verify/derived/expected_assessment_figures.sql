SELECT assessment_id, min(s.institution_id) AS institution_id, min(s.course_id) AS course_id,
       count(*) AS submissions, count(DISTINCT user_id) AS learners, count(score) AS graded,
       count(pass) AS rated, count(*) FILTER (WHERE pass) AS passed,
       count(*) FILTER (WHERE is_late) AS late,
       coalesce(sum(round(date_diff('microsecond', due_at, submitted_at) / 1000))
           FILTER (WHERE is_late AND submitted_at > due_at), 0)::BIGINT AS late_by_ms,
       round(coalesce(sum(score), 0), 6) AS score_sum,
       array_to_string([count(*) FILTER (WHERE bin = 0), count(*) FILTER (WHERE bin = 1),
           count(*) FILTER (WHERE bin = 2), count(*) FILTER (WHERE bin = 3),
           count(*) FILTER (WHERE bin = 4), count(*) FILTER (WHERE bin = 5),
           count(*) FILTER (WHERE bin = 6), count(*) FILTER (WHERE bin = 7),
           count(*) FILTER (WHERE bin = 8), count(*) FILTER (WHERE bin = 9)], ',') AS histogram
FROM (SELECT s.*, a.due_at, coalesce(s.passed::BOOLEAN, s.score >= a.pass_score) AS pass,
             coalesce(s.late::BOOLEAN, s.submitted_at > a.due_at) AS is_late,
             least(floor(s.score / 10), 9) AS bin
      FROM expected_submissions s
      LEFT JOIN (SELECT DISTINCT ON (payload.assessment_id) payload.assessment_id::UUID AS assessment_id,
                        payload.due_at::TIMESTAMP AS due_at, payload.pass_score AS pass_score
                 FROM distinct_payloads WHERE event_type IN ('assessment.created', 'assessment.updated')
                 ORDER BY payload.assessment_id, moment DESC, event_id DESC) AS a USING (assessment_id)) AS s
GROUP BY assessment_id
