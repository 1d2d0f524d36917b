-- Sums by learner, written by Flink, which knows people by the ids that they had when their messages
-- came. Each table of such sums has this trigger (pipelines/derive/tables.py): of somebody erased, what
-- Flink counts under the old id, again or still, becomes the row that was moved. That row has a part
-- of its own (-1 - part): what Flink counts under the new id in the same hour is another sum.
CREATE FUNCTION under_new_id() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    new_id uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- A batch that is being written sees an erasure, or is seen by it.
        PERFORM pg_advisory_xact_lock_shared(x'4C530043'::integer);
        IF NOT EXISTS (SELECT FROM erasures) THEN
            RETURN NEW;
        END IF;
        SELECT pseudonym INTO new_id FROM erasures WHERE digest = digest_of_id(NEW.user_id);
        IF new_id IS NULL THEN
            RETURN NEW;
        END IF;
        NEW.user_id := new_id;
    ELSIF NEW.user_id = OLD.user_id THEN
        RETURN NEW;
    END IF;
    -- What was counted from the archive (parts 0 and -1) Flink does not count again.
    IF NEW.part > 0 THEN
        NEW.part := -1 - NEW.part;
    END IF;
    RETURN NEW;
END
$$;

-- As before, but it waits for batches of sums, too.
CREATE OR REPLACE FUNCTION move_person(old_id uuid, new_id uuid, mentions text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place record;
    moved bigint := 0;
    found_rows bigint;
    pattern text := '%' || old_id || '%';
BEGIN
    PERFORM pg_advisory_xact_lock(x'4C530003'::integer);
    PERFORM pg_advisory_xact_lock(x'4C530023'::integer);
    PERFORM pg_advisory_xact_lock(x'4C530F03'::integer);
    PERFORM pg_advisory_xact_lock(x'4C530043'::integer);
    INSERT INTO erasures (digest, pseudonym) VALUES (digest_of_id(old_id), new_id)
    ON CONFLICT (digest) DO NOTHING;
    IF NOT EXISTS (SELECT FROM erasures
                   WHERE digest = digest_of_id(old_id) AND pseudonym = new_id) THEN
        RAISE EXCEPTION 'this person was moved to another id before';
    END IF;
    UPDATE activity_events
    SET user_id = new_id, payload = replace(payload::text, old_id::text, new_id::text)::jsonb
    WHERE user_id = old_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    UPDATE activity_events
    SET payload = replace(payload::text, old_id::text, new_id::text)::jsonb
    WHERE topic <> 'lms.content.events' AND event_type = ANY (mentions)
      AND payload::text LIKE pattern;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    moved := moved + found_rows;
    FOR place IN SELECT * FROM columns_of_people() LOOP
        EXECUTE format('UPDATE %s SET %I = $2::%s WHERE %I = $1::%s', place.target, place.name,
                       place.type, place.name, place.type)
            USING old_id, new_id;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        moved := moved + found_rows;
    END LOOP;
    RETURN moved;
END
$$;
