-- about: what is out of the ordinary, by whole hours of the last seven days
-- source: job anomalies
-- key: bucket_at, institution_id, what, about
-- column bucket_at timestamp with time zone: start of the hour (UTC)
-- column institution_id uuid:
-- column what text: drop, spike or clock ahead
-- column about text: the course, or the service whose clock is ahead
-- column found bigint: events of the hour
-- column expected double precision: events at that hour on average; for a clock, the most seconds it was ahead
SELECT bucket_at, institution_id, what, about, found, expected FROM public.anomalies
