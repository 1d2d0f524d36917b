SELECT institution_id, topic, event_type, count(*) AS events, coalesce(sum(clicks), 0) AS clicks
FROM activity_events GROUP BY 1, 2, 3
