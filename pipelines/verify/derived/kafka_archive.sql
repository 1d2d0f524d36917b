SELECT institution_id, topic, event_type, sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks
FROM kafka_count WHERE day >= coalesce(getvariable('archive_begins_at'), '-infinity'::TIMESTAMP)
GROUP BY ALL
