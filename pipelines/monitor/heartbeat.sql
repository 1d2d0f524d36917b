-- name: arrival
-- A later heartbeat, of another monitor, stands for all before it: they keep their order.
SELECT extract(epoch FROM sent_at)::float8,
       batch_no <= (SELECT done_batch_no FROM derive_position)
FROM archive_heartbeat WHERE heartbeat_id >= %(heartbeat_id)s

-- name: record
WITH old AS (
    DELETE FROM commit_to_row WHERE sent_at < now() - make_interval(days => %(days)s))
INSERT INTO commit_to_row VALUES (to_timestamp(%(sent_at)s), %(archive_s)s, %(derive_s)s)

-- name: recent
-- Of the last five minutes, by stage; and how old the newest heartbeat that came through is.
SELECT stage, percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY seconds)
FROM commit_to_row, LATERAL (VALUES ('archive', archive_s), ('derive', derive_s)) AS s(stage, seconds)
WHERE sent_at > now() - INTERVAL '5 minutes'
GROUP BY stage ORDER BY stage

-- name: age
SELECT extract(epoch FROM now() - max(sent_at))::float8 FROM commit_to_row
