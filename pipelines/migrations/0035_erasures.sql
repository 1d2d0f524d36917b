-- Who was erased: the LMS has move_person (below) give every row of theirs another id, the one that
-- the LMS's own rows bear since (docs/adr/0014-erasure-by-a-new-id.md). The old id is not kept. By its
-- digest the archive and the feature store still recognise what Kafka holds from before, or brings
-- later, and take it in under the new id; when Kafka has let go of it, the row is deleted
-- (forget_erasures).
CREATE TABLE erasures (
    digest    bytea       PRIMARY KEY, -- SHA-256 of the old id as text
    pseudonym uuid        NOT NULL,
    moved_at  timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION digest_of_id(id uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN sha256(convert_to(id::text, 'UTF8'));

-- Every column that holds ids of people, of the tables here and of the feature store's; `type` uuid or
-- text. In a queue of feature rows the entity is a learner.
CREATE FUNCTION columns_of_people() RETURNS TABLE (target regclass, name name, type regtype)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT attrelid::regclass, attname, atttypid::regtype
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'features'))
      AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
      AND atttypid IN ('uuid'::regtype, 'text'::regtype)
      AND relname <> 'activity_events'
      AND (attname = 'user_id' OR attname = 'entity_id' AND relname LIKE 'learner\_%\_due')
    ORDER BY 1, 2
$$;

-- Move every row of a person to `new_id`, in one transaction; what is there already is left as it is,
-- so that it can be repeated. `mentions` are the types of events whose payload may name somebody
-- else than their user. Returns how many rows were moved.
--
-- It waits for a step of the derivation, a batch of the archive and a batch of feature rows to end,
-- and holds up the next: the locks are theirs (pipelines/derive/engine.py, pipelines/archive/table.py,
-- features/consent.py). Whoever calls it needs no right on any table.
CREATE FUNCTION move_person(old_id uuid, new_id uuid, mentions text[]) RETURNS bigint
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
REVOKE ALL ON FUNCTION move_person(uuid, uuid, text[]) FROM PUBLIC;

-- Forget the digests of who was moved so long ago; returns how many.
CREATE FUNCTION forget_erasures(before timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH forgotten AS (DELETE FROM erasures WHERE moved_at < before RETURNING 1)
    SELECT count(*) FROM forgotten
$$;
REVOKE ALL ON FUNCTION forget_erasures(timestamptz) FROM PUBLIC;
