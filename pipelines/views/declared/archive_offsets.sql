-- about: how far the archive is complete
-- source: the archive
-- key: topic, partition
-- column topic text:
-- column partition integer: partition of the topic
-- column next_offset bigint: the first offset that is not archived (offset)
SELECT topic, partition, next_offset FROM public.archive_offsets
