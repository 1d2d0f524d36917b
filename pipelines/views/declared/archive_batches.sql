-- about: batches of the archive that are not derived yet
-- source: the archive
-- key: archived_at
-- column events integer: events of the batch
-- column archived_at timestamp with time zone: when it was stored
-- column first_at timestamp with time zone: its first event
-- column last_at timestamp with time zone: its newest event
SELECT events, archived_at, first_at, last_at FROM public.archive_batches
