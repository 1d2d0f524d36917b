-- about: messages of each topic, and how many arrived
-- covers: archive_arrivals
-- key: topic
-- name: expected
-- Repeated messages arrive as often as they come.
SELECT topic, count(*) AS arrived FROM kafka_event GROUP BY ALL
-- name: found
SELECT topic, sum(events)::bigint AS arrived FROM archive_arrivals GROUP BY topic
