SELECT bucket_at, institution_id, course_id, item_id, max(kind) AS kind, count(*) AS learners,
       count(*) FILTER (WHERE finished) AS finishers
FROM (SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id, item_id,
             user_id, max(kind) AS kind, bool_or(event_type = 'content.completed') AS finished
      FROM distinct_events WHERE content GROUP BY ALL)
GROUP BY ALL
