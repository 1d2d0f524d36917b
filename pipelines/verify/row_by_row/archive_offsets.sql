-- about: the archive has read every topic to its end
-- covers: archive_offsets
-- key: topic, partition
-- name: expected
SELECT topic, partition, next_offset FROM kafka_end
-- name: found
SELECT topic, partition, next_offset FROM archive_offsets WHERE topic <> 'lms.heartbeats' AND next_offset > 0
