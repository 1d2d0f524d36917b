SELECT payload.submission_id::UUID AS submission_id, min(institution_id) AS institution_id,
       min(payload.assessment_id)::UUID AS assessment_id, min(course_id) AS course_id,
       min(user_id) AS user_id,
       min(moment) FILTER (WHERE event_type = 'assessment.submitted') AS submitted_at,
       arg_min_null(payload.attempt, (moment, event_id)) FILTER (WHERE event_type = 'assessment.submitted')::INTEGER
           AS attempt,
       arg_min_null(payload.late::INTEGER, (moment, event_id)) FILTER (WHERE event_type = 'assessment.submitted')
           AS late,
       arg_max_null(payload.score, (moment, event_id)) FILTER (WHERE event_type = 'assessment.graded') AS score,
       arg_max_null(payload.passed::INTEGER, (moment, event_id)) FILTER (WHERE event_type = 'assessment.graded')
           AS passed,
       max(moment) FILTER (WHERE event_type = 'assessment.graded') AS graded_at
FROM distinct_payloads WHERE event_type IN ('assessment.submitted', 'assessment.graded')
GROUP BY 1
