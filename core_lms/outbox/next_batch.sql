-- The next rows in the order of their ids, and the intention to publish them as one numbered batch,
-- in one statement. Nothing to publish and nothing new to remember: nothing is written.
WITH batch AS MATERIALIZED (
    SELECT id, topic, key, message, created_at, traceparent, history
    FROM (
        SELECT *, sum(octet_length(message)) OVER (ORDER BY id) - octet_length(message) AS before
        FROM (SELECT * FROM outbox WHERE id >= %(low_water)s ORDER BY id LIMIT %(rows)s) AS visible
    ) AS measured
    WHERE before < %(bytes)s
),
summary AS (
    SELECT coalesce(array_agg(id ORDER BY id), '{}') AS ids FROM batch
),
intention AS (
    UPDATE outbox_relay
    SET batch_no = batch_no + CASE WHEN summary.ids = '{}' THEN 0 ELSE 1 END,
        row_ids = summary.ids,
        published_no = %(published_no)s,
        intended_at = now()
    FROM summary
    WHERE summary.ids <> '{}' OR published_no <> %(published_no)s
    RETURNING batch_no
)
SELECT intention.batch_no, batch.id, batch.topic, batch.key, batch.message, batch.created_at,
    batch.traceparent, batch.history
FROM intention, batch
ORDER BY batch.id
