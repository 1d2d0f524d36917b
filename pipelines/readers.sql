-- Who may read the views of the schema analytics (pipelines/views), and which rows of them: run after
-- each migration, and again whenever the views have changed.
--
-- A panel's SQL runs as it stands. Which rows it finds is decided here: the reader's search_path leads
-- to one of three schemas, whose views have the same names and only the rows of
--   seen_institution  one institution (learnstream.institution_id)
--   seen_courses      some courses of it (learnstream.course_ids)
--   seen_learner      one learner in it (learnstream.user_id)
-- Only administrators of the whole installation take on learnstream_seen_installation, which reads
-- analytics itself: how far the jobs are belongs to no institution. Nobody here reads a stored table.
-- A view without the column that separates the rows has none there, and the role of the schema may
-- not read analytics: such a panel is refused, never filtered too little.
--
-- The filter compares columns by which a view over partial sums groups, with values that are known
-- before it runs: PostgreSQL filters the stored rows and sums those that are left.
DO $$
DECLARE
    institution CONSTANT text :=
        'institution_id = (SELECT nullif(current_setting(''learnstream.institution_id'', true), '''')::uuid)';
    courses CONSTANT text :=
        'course_id = ANY ((SELECT nullif(current_setting(''learnstream.course_ids'', true), '''')::uuid[])::uuid[])';
    learner CONSTANT text :=
        'user_id = (SELECT nullif(current_setting(''learnstream.user_id'', true), '''')::uuid)';
    scope record;
    target record;
    wanted text;
BEGIN
    FOR scope IN
        SELECT * FROM (VALUES ('seen_institution', ARRAY['institution_id'], institution),
                              ('seen_courses', ARRAY['institution_id', 'course_id'],
                               institution || ' AND ' || courses),
                              ('seen_learner', ARRAY['institution_id', 'user_id'],
                               institution || ' AND ' || learner)) AS s (name, needs, rule)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'learnstream_' || scope.name) THEN
            -- A role belongs to the server: another database may have made it already.
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'learnstream_' || scope.name);
        END IF;
        -- What the schema is made from; the same as last time: nothing to do, nobody is disturbed.
        SELECT md5(scope.rule || coalesce(string_agg(
                   attrelid::text || '.' || attnum || ' ' || attname || ' ' || atttypid, ','
                   ORDER BY attrelid, attnum), ''))
        INTO wanted
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'analytics'::regnamespace AND attnum > 0 AND NOT attisdropped;
        CONTINUE WHEN wanted = obj_description(to_regnamespace(scope.name), 'pg_namespace');
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', scope.name);
        EXECUTE format('CREATE SCHEMA %I', scope.name);
        FOR target IN
            SELECT relname FROM pg_class
            WHERE relnamespace = 'analytics'::regnamespace
              AND scope.needs <@ (SELECT array_agg(attname::text) FROM pg_attribute
                                  WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
                                    AND atttypid = 'uuid'::regtype)
        LOOP
            EXECUTE format('CREATE VIEW %I.%I WITH (security_barrier) AS SELECT * FROM analytics.%I WHERE %s',
                           scope.name, target.relname, target.relname, scope.rule);
        END LOOP;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', scope.name, 'learnstream_' || scope.name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I',
                       scope.name, 'learnstream_' || scope.name);
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', scope.name, wanted);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'learnstream_seen_installation') THEN
        CREATE ROLE learnstream_seen_installation NOLOGIN;
    END IF;
    IF NOT has_schema_privilege('learnstream_seen_installation', 'analytics', 'USAGE') THEN
        GRANT USAGE ON SCHEMA analytics TO learnstream_seen_installation;
        GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO learnstream_seen_installation;
    END IF;
    GRANT EXECUTE ON FUNCTION my_features() TO learnstream_seen_learner;
END
$$;
