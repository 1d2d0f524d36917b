SELECT topic, event_type, institution_id, course_id, kind, moment::DATE AS day,
       count(*) AS events, coalesce(sum(clicks), 0)::BIGINT AS clicks
FROM distinct_events GROUP BY ALL
