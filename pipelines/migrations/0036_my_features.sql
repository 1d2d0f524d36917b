-- The rows of the feature store about the learner of learnstream.user_id, for whoever may read
-- seen_learner (pipelines/readers.sql): its tables are made by another process, as views come and go.
CREATE FUNCTION my_features() RETURNS TABLE (feature_view text, "row" jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    learner text := nullif(current_setting('learnstream.user_id', true), '');
    place record;
BEGIN
    FOR place IN
        SELECT relname FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'user_id' AND NOT attisdropped
        WHERE relnamespace = to_regnamespace('features') AND relkind IN ('r', 'p')
        ORDER BY relname
    LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L, to_jsonb(one) FROM features.%I AS one WHERE user_id = $1',
            place.relname, place.relname) USING learner;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION my_features() FROM PUBLIC;
