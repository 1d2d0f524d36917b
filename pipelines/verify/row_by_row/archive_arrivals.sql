-- about: every message of a topic was counted as it arrived
-- covers: archive_arrivals
-- key: topic
-- name: expected
-- Repeated messages arrive as often as they come.
SELECT topic, (count(*) - coalesce(any_value(b.events), 0)
               + coalesce(any_value(b.arrived), 0))::BIGINT AS arrived
FROM kafka_event LEFT JOIN before_kafka b USING (topic) GROUP BY topic
-- name: found
SELECT topic, sum(events)::bigint AS arrived FROM archive_arrivals GROUP BY topic
