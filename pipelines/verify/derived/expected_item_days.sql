SELECT bucket_at, institution_id, course_id, item_id, max(kind) AS kind, sum(views)::BIGINT AS views,
       sum(clicks)::BIGINT AS clicks, count(*) AS learners, sum(completions)::BIGINT AS completions,
       count(*) FILTER (WHERE completions > 0) AS finishers
FROM (SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id, item_id,
             user_id, max(kind) AS kind, count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
             coalesce(sum(clicks), 0) AS clicks,
             count(*) FILTER (WHERE event_type = 'content.completed') AS completions
      FROM distinct_events WHERE content GROUP BY ALL)
GROUP BY ALL
