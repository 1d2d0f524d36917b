-- Moving an erased person changes rows of every table and tenant. Who does so (the inbox) owns none and
-- may change none: these functions do it, for an erasure that is open, to the id that it has. The
-- table `erasures` comes with migration 0140.

-- Whom a round of core_lms/privacy/moving.py is about. `settled`: moved long enough ago to be searched a
-- second time, and nothing that goes out names them.
CREATE FUNCTION erasures_to_move(settle_s DOUBLE PRECISION)
RETURNS TABLE (user_id UUID, pseudonym UUID, moved_at TIMESTAMPTZ, settled BOOLEAN)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT one.user_id, one.pseudonym, one.moved_at, coalesce(
        one.moved_at < now() - make_interval(secs => settle_s) AND one.audited_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM outbox WHERE position(one.user_id::TEXT IN message) > 0)
        AND NOT EXISTS (SELECT FROM webhook_deliveries
                        WHERE status = 'due' AND position(one.user_id::TEXT IN message) > 0), false)
    FROM erasures AS one WHERE one.user_id IS NOT NULL ORDER BY one.erased_at LIMIT 100;
END
$$;
REVOKE ALL ON FUNCTION erasures_to_move(DOUBLE PRECISION) FROM PUBLIC;

-- Texts in which the old id stands; a table made tomorrow is covered. What goes out as it was written
-- stays: whoever was told of the old id has to hear that it is erased. The audit log has its own way.
CREATE FUNCTION move_texts_of_erased(old_id UUID) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    new_id UUID;
    place RECORD;
BEGIN
    SELECT pseudonym INTO STRICT new_id FROM erasures WHERE user_id = old_id;
    FOR place IN
        SELECT attrelid::regclass AS target,
               string_agg(format('%1$I = replace(%1$I::TEXT, $1, $2)::%2$s',
                                 attname, format_type(atttypid, NULL)), ', ') AS changes,
               string_agg(format('%I::TEXT LIKE $3', attname), ' OR ') AS named
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND NOT relispartition AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
          AND atttypid = ANY (ARRAY['text', 'varchar', 'json', 'jsonb', 'text[]']::regtype[])
          AND relname NOT IN ('outbox', 'webhook_deliveries', 'erasures', 'audit_log',
                              'audit_queue', 'audit_redactions')
        GROUP BY attrelid ORDER BY 1
    LOOP
        EXECUTE format('UPDATE %s SET %s WHERE %s', place.target, place.changes, place.named)
            USING old_id::TEXT, new_id::TEXT, '%' || old_id || '%';
    END LOOP;
    -- What was sent, or never will be, and is only kept to be looked at.
    DELETE FROM webhook_deliveries WHERE status <> 'due' AND message LIKE '%' || old_id || '%';
END
$$;
REVOKE ALL ON FUNCTION move_texts_of_erased(UUID) FROM PUBLIC;

-- The rows of the audit log that named somebody erased, as they now name the new id.
CREATE FUNCTION redact_audit_log(old_id UUID) RETURNS SETOF audit_log
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp SET learnstream.redacting = 'yes' AS $$
DECLARE
    new_id UUID;
BEGIN
    SELECT pseudonym INTO STRICT new_id FROM erasures WHERE user_id = old_id;
    RETURN QUERY
    UPDATE audit_log SET
        actor = replace(actor, old_id::TEXT, new_id::TEXT),
        resource = replace(resource, old_id::TEXT, new_id::TEXT),
        about = array_replace(about, old_id, new_id)
    WHERE about @> ARRAY[old_id] OR actor = 'user/' || old_id::TEXT
       OR position(old_id::TEXT IN resource) > 0
    RETURNING *;
END
$$;
REVOKE ALL ON FUNCTION redact_audit_log(UUID) FROM PUBLIC;
