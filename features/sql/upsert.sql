-- The same row again changes nothing, not even received_at; a later row of the same moment wins.
INSERT INTO {table} AS kept ({entity}, event_timestamp, institution_id, {columns})
SELECT {entity}, event_timestamp, institution_id, {columns} FROM incoming
ON CONFLICT ({entity}, event_timestamp) DO UPDATE
SET ({columns}, received_at) = ROW({excluded}, now())
WHERE ({kept}) IS DISTINCT FROM ({excluded})
