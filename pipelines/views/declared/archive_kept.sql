-- about: since when the archive is complete
-- source: the archive
-- key: begins_at
-- column days integer: how long events are kept, in days; empty: for ever
-- column begins_at timestamp with time zone: older events were dropped; empty: none were
SELECT days, begins_at FROM public.archive_kept
