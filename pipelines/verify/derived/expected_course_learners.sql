SELECT grain, CASE grain WHEN 'minute' THEN date_trunc('minute', moment)
                         WHEN 'hour' THEN date_trunc('hour', moment)
                         ELSE date_trunc('day', moment) END::TIMESTAMP AS bucket_at,
       institution_id, course_id, count(DISTINCT user_id) AS learners,
       sum(step_ms)::BIGINT AS time_on_task_ms
FROM learner_actions, (VALUES ('minute'), ('hour'), ('day')) AS grains(grain)
WHERE content GROUP BY ALL
