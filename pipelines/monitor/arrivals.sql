SELECT topic, sum(events)::bigint, sum(late)::bigint, sum(future)::bigint
FROM archive_arrivals
WHERE hour_at >= date_trunc('hour', now()) - interval '1 hour'
GROUP BY topic
ORDER BY topic
