-- What is known about the streaming jobs, for every machine that may submit them.

-- Where each job's partial sums begin: what was before these offsets was counted from the archive.
-- Written in the transaction that swaps counted rows in; read by pipelines/start.py.
CREATE TABLE job_starts (
    job        text        PRIMARY KEY,
    generation bigint      NOT NULL UNIQUE,
    offsets    jsonb       NOT NULL,
    statements jsonb,
    part_s     integer,
    fresh      boolean     NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE job_starts IS 'from where the streaming jobs count, and by which statements';
COMMENT ON COLUMN job_starts.generation IS
    'number of this count; a state of another one is not used. No two jobs have the same';
COMMENT ON COLUMN job_starts.offsets IS 'topic → partition → the first offset that is counted';
COMMENT ON COLUMN job_starts.statements IS
    'table → digest of the statement that made its rows; NULL: as it is when it is run again';
COMMENT ON COLUMN job_starts.part_s IS 'the span of arrival of a partial sum, in seconds';
COMMENT ON COLUMN job_starts.fresh IS
    'no application was submitted since: it may start without state from what the others have';

INSERT INTO job_starts (job, generation, offsets, fresh)
SELECT 'course_activity', coalesce(max(generation), 0),
       coalesce((SELECT offsets FROM stream_start), '{}'), false
FROM stream_start
HAVING count(*) > 0 OR EXISTS (SELECT FROM course_activity_minute);
DROP TABLE stream_start;

-- The application that runs, or ran last: the jobs as one job of Flink (pipelines/record.py).
CREATE TABLE stream_application (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    wanted     text[],
    job_id     text,
    begun_from text,
    stopped_at timestamptz,
    jobs       jsonb NOT NULL DEFAULT '{}',
    states     jsonb
);
COMMENT ON TABLE stream_application IS 'what is known about the streaming jobs as they run';
COMMENT ON COLUMN stream_application.wanted IS 'names of the jobs that should run; NULL: every job';
COMMENT ON COLUMN stream_application.job_id IS 'of Flink';
COMMENT ON COLUMN stream_application.begun_from IS 'the checkpoint or savepoint it started from';
COMMENT ON COLUMN stream_application.jobs IS
    'jobs that it has → generation, and fingerprint of all that Flink runs for them';
COMMENT ON COLUMN stream_application.states IS
    'name → what the operator does, digest of its shape, the jobs that need it';

-- A rebuild makes the view of the archive that it needs (pipelines/archived.py).
DROP VIEW archived_content_events;
