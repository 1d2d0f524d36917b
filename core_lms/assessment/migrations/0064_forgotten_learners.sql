-- What a person who was forgotten left open is never handed in: nothing is told of them any more.
CREATE OR REPLACE FUNCTION attempts_run_out(now TIMESTAMPTZ, most INTEGER)
RETURNS TABLE (institution_id UUID, id UUID)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT attempts.institution_id, attempts.id
    FROM attempts JOIN users ON users.id = attempts.user_id
    WHERE attempts.status = 'open' AND users.erased_at IS NULL
      AND attempts.expires_at + make_interval(secs => attempts.grace_s) < now
    ORDER BY attempts.expires_at LIMIT most
$$;
