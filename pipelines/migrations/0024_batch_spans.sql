-- A batch's note says from when its events are; the events themselves are found by its number.
ALTER TABLE archive_batches
    ADD COLUMN first_at timestamptz,
    ADD COLUMN last_at  timestamptz;
UPDATE archive_batches SET (first_at, last_at) = (
    SELECT min(at), max(at) + INTERVAL '1 day'
    FROM (SELECT unnest(days)::timestamptz UNION ALL SELECT unnest(loose_at)) AS told (at));
ALTER TABLE archive_batches
    DROP COLUMN users, DROP COLUMN days, DROP COLUMN loose, DROP COLUMN loose_at;
COMMENT ON COLUMN archive_batches.last_at IS 'to the second; NULL, as first_at, of a heartbeat alone';
