-- How long the archive is kept, and since when it is complete. One row.
CREATE TABLE archive_kept (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    days      integer,
    begins_at timestamptz
);
INSERT INTO archive_kept DEFAULT VALUES;
COMMENT ON COLUMN archive_kept.days IS 'LMS_ARCHIVE_RETENTION_DAYS of pipelines.derive; NULL: for ever';
COMMENT ON COLUMN archive_kept.begins_at IS 'older chunks were dropped; NULL: nothing was';

-- Drops chunks that are older than that as a whole; returns how many. What is dropped has been
-- derived: no step is at work (the lock is the steps', pipelines/derive/engine.py) and none of the
-- events waits for one. The arguments are what TimescaleDB's scheduler gives.
CREATE FUNCTION retain_archive(job_id integer DEFAULT NULL, config jsonb DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    upto    timestamptz;
    dropped bigint;
BEGIN
    SELECT max(range_end) INTO upto
    FROM timescaledb_information.chunks, archive_kept
    WHERE hypertable_schema = 'public' AND hypertable_name = 'activity_events'
      AND range_end <= now() - days * INTERVAL '1 day';
    IF upto IS NULL OR NOT pg_try_advisory_xact_lock(x'4C530003'::integer) THEN
        RETURN 0;
    END IF;
    LOCK TABLE activity_events IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM activity_events WHERE timestamp < upto AND batch_no >
               coalesce((SELECT done_batch_no FROM derive_position), -1)) THEN
        RETURN 0;
    END IF;
    SELECT count(*) INTO dropped FROM drop_chunks('activity_events', older_than => upto);
    UPDATE archive_kept SET begins_at = greatest(begins_at, upto);
    RETURN dropped;
END
$$;

-- Events per hour, type and institution, straight from the archive. Where the licence allows, it is a
-- continuous aggregate, old chunks are compressed and TimescaleDB's own scheduler keeps to the
-- retention; the Apache edition has none of it, there it is asked of the archive each time.
DO $$
BEGIN
    IF current_setting('timescaledb.license') = 'timescale' THEN
        ALTER TABLE activity_events SET (timescaledb.compress,
            timescaledb.compress_segmentby = 'institution_id',
            timescaledb.compress_orderby = 'user_id, timestamp');
        PERFORM add_compression_policy('activity_events', INTERVAL '90 days');
        EXECUTE 'CREATE MATERIALIZED VIEW activity_by_hour
                 WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
                 SELECT time_bucket(INTERVAL ''1 hour'', timestamp) AS bucket_at, institution_id,
                        topic, event_type, count(*) AS events
                 FROM activity_events GROUP BY 1, 2, 3, 4 WITH NO DATA';
        PERFORM add_continuous_aggregate_policy('activity_by_hour', start_offset => NULL,
            end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '10 minutes');
        PERFORM add_job('retain_archive', INTERVAL '1 hour');
    ELSE
        CREATE VIEW activity_by_hour AS
        SELECT time_bucket(INTERVAL '1 hour', timestamp) AS bucket_at, institution_id, topic,
               event_type, count(*) AS events
        FROM activity_events GROUP BY 1, 2, 3, 4;
    END IF;
END
$$;
