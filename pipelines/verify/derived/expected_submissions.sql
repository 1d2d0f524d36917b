SELECT told.submission_id::UUID AS submission_id, min(institution_id) AS institution_id,
       min(told.assessment_id)::UUID AS assessment_id, min(course_id) AS course_id,
       min(user_id) AS user_id,
       min(moment) FILTER (WHERE event_type = 'assessment.submitted') AS submitted_at,
       arg_min_null(told.attempt, (moment, event_id)) FILTER (WHERE event_type = 'assessment.submitted')::INTEGER
           AS attempt,
       arg_min_null(told.late::INTEGER, (moment, event_id)) FILTER (WHERE event_type = 'assessment.submitted')
           AS late,
       arg_max_null(told.score, (moment, event_id)) FILTER (WHERE event_type = 'assessment.graded') AS score,
       arg_max_null(told.passed::INTEGER, (moment, event_id)) FILTER (WHERE event_type = 'assessment.graded')
           AS passed,
       max(moment) FILTER (WHERE event_type = 'assessment.graded') AS graded_at
FROM a_told WHERE event_type IN ('assessment.submitted', 'assessment.graded')
GROUP BY 1
