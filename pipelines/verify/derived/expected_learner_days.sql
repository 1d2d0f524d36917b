SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id, user_id,
       sum(step_ms)::BIGINT AS time_on_task_ms, min(moment) AS first_at, max(moment) AS last_at
FROM learner_actions WHERE content GROUP BY ALL
