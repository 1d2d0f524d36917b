-- title: Derivation
-- question: How far behind the archive are the derived tables?
-- picture: stat
-- unit: events
-- order: 20
-- size: 6
-- label queued: archived and not yet derived
-- label oldest: age of the oldest of them
-- unit oldest: seconds
-- note: Sessions, distinct learners, items, funnel, assessments and recommendations follow the archive.
-- empty: Nothing has been archived yet.
SELECT coalesce(sum(events), 0)::bigint AS queued,
       coalesce(extract(epoch FROM clock_timestamp() - min(archived_at)), 0)::float8 AS oldest
FROM archive_batches;
