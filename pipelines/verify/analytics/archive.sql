SELECT institution_id, topic, event_type, count(*) AS events, coalesce(sum(clicks), 0) AS clicks
FROM activity_events, archive_kept WHERE timestamp >= coalesce(begins_at, '-infinity')
GROUP BY 1, 2, 3
