SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id, user_id,
       count(*) AS events, coalesce(sum(clicks), 0)::BIGINT AS clicks,
       count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
       count(*) FILTER (WHERE event_type = 'content.completed') AS completions,
       sum(step_ms)::BIGINT AS time_on_task_ms, min(moment) AS first_at, max(moment) AS last_at
FROM learner_actions WHERE content GROUP BY ALL
