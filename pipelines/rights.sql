-- Who may do what in the analytical database: run by `learnstream prepare` after the migrations, for
-- roles that have nothing (stack/roles.py). The operator owns the tables and needs no line here.
-- {flink_tables}, {tile_tables}, {live_tables}, {course_tables} and {derived_tables} are those of the
-- catalogues of jobs and of contracts/tiles.py: a new job needs no line.
DO $$
BEGIN
    EXECUTE format(
        'REVOKE ALL ON DATABASE %1$I
             FROM PUBLIC, lms, inbox, archive, derive, monitor, live, features, flink, analyst, reader;
         GRANT CONNECT ON DATABASE %1$I
             TO lms, inbox, archive, derive, monitor, live, features, flink, analyst, reader;
         GRANT TEMPORARY ON DATABASE %1$I TO archive, derive, features',
        current_database());
    -- A login that an administrator made for the API before each process had its own.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'learnstream_analyst') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO learnstream_analyst', current_database());
    END IF;
    -- Old versions of rows that were moved go by VACUUM, which is no owner's secret since 17.
    IF current_setting('server_version_num')::integer >= 170000 THEN
        GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO inbox;
    END IF;
    -- Who only reads cannot forget to say so, nor keep the server busy.
    EXECUTE (
        SELECT string_agg(format('ALTER ROLE %I IN DATABASE %I SET %s', name, current_database(), said), '; ')
        FROM unnest(ARRAY['lms', 'analyst']) AS name,
             unnest(ARRAY['default_transaction_read_only = on', 'statement_timeout = ''5s''',
                          'idle_in_transaction_session_timeout = ''30s''']) AS said);
    -- A name leads to the view that people read; a stored table is public.NAME, for who may.
    EXECUTE (
        SELECT string_agg(format('ALTER ROLE %I IN DATABASE %I SET search_path = analytics, public',
                                 name, current_database()), '; ')
        FROM unnest(ARRAY['analyst', 'reader']) AS name);
END
$$;

GRANT USAGE ON SCHEMA public
    TO lms, inbox, archive, derive, monitor, live, features, flink, analyst, reader;

-- The analytics API has no rights of its own: each transaction takes on one scope (readers.sql).
GRANT learnstream_seen_installation, learnstream_seen_institution, learnstream_seen_courses,
    learnstream_seen_learner TO lms WITH INHERIT FALSE, SET TRUE;
-- Grafana shows the whole installation, by the views of analytics and no stored table. The pages have
-- no database: they ask the LMS.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM learnstream_seen_installation;
GRANT learnstream_seen_installation TO analyst, reader WITH INHERIT TRUE, SET FALSE;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;

-- The archive: every event once, where it stands, and what it noted on the way.
GRANT SELECT, INSERT ON activity_events, archive_batches TO archive;
GRANT SELECT, INSERT, UPDATE ON archive_offsets, archive_arrivals, archive_heartbeat TO archive;
GRANT SELECT, INSERT, DELETE ON archive_duplicates, archive_marks TO archive;
GRANT SELECT ON derive_position TO archive;

-- What Kafka brings of somebody erased is taken in under the id that they have now.
GRANT SELECT ON erasures TO archive, live, features;
-- The history of tiles is the jobs' own tables: a Redis that was lost, or whose job counted anew, is
-- filled from them.
GRANT SELECT ON {tile_tables}, job_starts TO features;
-- And how courses and their learners are, of those of which events came.
GRANT SELECT ON {course_tables}, derive_position TO features;
GRANT SELECT (course_id, batch_no) ON activity_events TO features;
-- And what Kafka no longer has, a store or a consumer that begins anew reads here.
GRANT SELECT ON archived_consents TO features;
GRANT SELECT ON activity_events, archive_offsets, archive_batches, derive_position TO inbox;

-- The inbox moves erased people (core_lms/privacy/moving.py), by a function.
GRANT EXECUTE ON FUNCTION move_person(uuid, uuid, text[]), forget_erasures(timestamptz) TO inbox;

-- The derivation reads what there is, and writes its own tables; old chunks it drops by a function.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO derive;
GRANT INSERT, UPDATE, DELETE ON derive_position, {derived_tables} TO derive;
GRANT DELETE ON archive_batches TO derive;
GRANT UPDATE (days) ON archive_kept TO derive;
GRANT EXECUTE ON FUNCTION retain_archive(integer, jsonb) TO derive;

-- The monitor: how far everybody is and when events came, not what they say.
GRANT SELECT ON archive_offsets, archive_batches, archive_arrivals, archive_heartbeat, derive_position
    TO monitor;
GRANT SELECT (event_id, timestamp, received_at) ON activity_events TO monitor;
GRANT SELECT ON stream_application, feature_skew TO monitor;
GRANT SELECT, INSERT, DELETE ON commit_to_row TO monitor;

-- What live counters begin with where Redis has none: the last hour.
GRANT SELECT ON {live_tables}, job_starts TO live;

-- Flink: upserts into its own tables; a rebuild's schema, with views of the archive, it is given for
-- as long as it lasts. What is known about the jobs only the operator writes.
GRANT SELECT, INSERT, UPDATE, DELETE ON {flink_tables} TO flink;
