-- Who was erased (docs/adr/0014-erasure-by-a-new-id.md). What stays of a person bears `pseudonym`, a
-- random id that was nobody's. The old id stands here only until every store has moved to the new
-- one; then `digest` is left, by which whoever knows the old id finds that it was erased, and no more.
CREATE TABLE erasures (
    digest BYTEA PRIMARY KEY, -- SHA-256 of the id as text
    user_id UUID UNIQUE,
    pseudonym UUID UNIQUE,
    erased_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    audited_at TIMESTAMPTZ, -- the audit log names the pseudonym
    moved_at TIMESTAMPTZ,   -- archive, derived tables, features and Redis do, too
    finished_at TIMESTAMPTZ, -- they were searched a second time: nothing is on its way any more
    institution_id UUID NOT NULL,
    CHECK ((finished_at IS NULL) = (user_id IS NOT NULL)),
    CHECK ((user_id IS NULL) = (pseudonym IS NULL))
);
CREATE INDEX erasures_open ON erasures (erased_at) WHERE user_id IS NOT NULL;
SELECT tenant_table('erasures');
REVOKE ALL ON erasures FROM learnstream_app;

CREATE FUNCTION digest_of_id(id UUID) RETURNS BYTEA
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN sha256(convert_to(id::TEXT, 'UTF8'));

-- An erased id never comes back, whoever inserts: not by a repeated request, not by an import.
CREATE FUNCTION refuse_erased_id() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM erasures WHERE digest = digest_of_id(NEW.id)) THEN
        RAISE unique_violation USING CONSTRAINT = 'users_pkey',
            MESSAGE = format('id %s is taken: whoever bore it was erased', NEW.id);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_erased_id BEFORE INSERT ON users
    FOR EACH ROW EXECUTE FUNCTION refuse_erased_id();

-- Every column that points at a person, read from the catalogue: a table made tomorrow is covered.
CREATE FUNCTION columns_of_people() RETURNS TABLE (target REGCLASS, name NAME)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT attrelid::regclass, attname
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND attnum > 0 AND NOT attisdropped AND atttypid = 'uuid'::regtype
      AND relname NOT IN ('erasures', 'users')
      AND (attname IN ('user_id', 'learner_id', 'guardian_id', 'instructor_id')
           OR attname LIKE '%\_by'
           OR EXISTS (SELECT FROM pg_constraint
                      WHERE contype = 'f' AND conrelid = attrelid
                        AND confrelid = 'users'::regclass AND attnum = ANY (conkey)))
    ORDER BY 1, 2
$$;

-- Move what is left of somebody who was erased in this transaction to a fresh random id. The
-- application may do it for its own institution; it can neither choose the id nor read it here.
CREATE FUNCTION move_erased_person(old_id UUID) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    new_id UUID := gen_random_uuid();
    place RECORD;
BEGIN
    INSERT INTO erasures (digest, user_id, pseudonym, erased_at, institution_id)
    SELECT digest_of_id(id), id, new_id, erased_at, institution_id FROM users
    WHERE id = old_id AND erased_at IS NOT NULL AND institution_id = current_institution();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nobody with id % was erased here', old_id;
    END IF;
    INSERT INTO users
    SELECT (jsonb_populate_record(person, jsonb_build_object(
        'id', new_id, 'email', new_id::TEXT || '@sealed.invalid'))).*
    FROM users AS person WHERE id = old_id;
    FOR place IN SELECT * FROM columns_of_people() LOOP
        EXECUTE format('UPDATE %s SET %I = $2 WHERE %I = $1', place.target, place.name, place.name)
            USING old_id, new_id;
    END LOOP;
    UPDATE consents SET changed_by = 'user/' || new_id WHERE changed_by = 'user/' || old_id;
    -- The key of the request that registered them was made to their id.
    DELETE FROM idempotency_keys WHERE resource_id = old_id;
    DELETE FROM users WHERE id = old_id;
END
$$;
REVOKE ALL ON FUNCTION move_erased_person(UUID) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION move_erased_person(UUID) TO learnstream_app;

-- How many people are not moved in every store yet: what the loop asks that moves them.
CREATE FUNCTION erasures_open() RETURNS BIGINT
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT count(*) FROM erasures WHERE user_id IS NOT NULL $$;
REVOKE ALL ON FUNCTION erasures_open() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erasures_open() TO learnstream_app;

-- The planner keeps samples of columns in its statistics, and does not look again into a table that is
-- empty: nothing is to be remembered of what only passes through.
ALTER TABLE outbox ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN message SET STATISTICS 0;
ALTER TABLE audit_queue ALTER COLUMN actor SET STATISTICS 0,
    ALTER COLUMN resource SET STATISTICS 0, ALTER COLUMN about SET STATISTICS 0;
ALTER TABLE webhook_deliveries ALTER COLUMN message SET STATISTICS 0;
ALTER TABLE erasures ALTER COLUMN user_id SET STATISTICS 0,
    ALTER COLUMN pseudonym SET STATISTICS 0;
