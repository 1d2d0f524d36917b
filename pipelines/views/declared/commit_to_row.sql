-- about: how long a heartbeat took from its commit in the LMS to rows that can be read
-- source: the monitor
-- key: sent_at
-- column sent_at timestamp with time zone: when the heartbeat was committed
-- column archive_s double precision: until it was in the archive
-- column derive_s double precision: until it was in the derived tables
SELECT sent_at, archive_s, derive_s FROM public.commit_to_row
