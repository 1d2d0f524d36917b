-- Kafka's messages name erased people as they were; every table by the id they have since.
CREATE OR REPLACE TEMP TABLE renamed AS
SELECT user_id AS old_id, pseudonym
FROM (SELECT DISTINCT user_id FROM kafka_event WHERE user_id IS NOT NULL)
JOIN erased_ids ON digest = sha256(user_id::VARCHAR);
UPDATE kafka_event SET user_id = pseudonym FROM renamed WHERE user_id = old_id;
UPDATE kafka_payload SET user_id = pseudonym FROM renamed WHERE user_id = old_id;
