-- name: tenant
SELECT set_config('learnstream.institution_id', %(institution_id)s, true)

-- name: write
-- In the order of ids, so that two processes do not wait for each other in a circle.
INSERT INTO users_seen (user_id, institution_id, last_seen_at)
SELECT account.id, account.institution_id, seen.at
FROM unnest(%(user_ids)s::uuid[], %(moments)s::timestamptz[]) AS seen (user_id, at)
JOIN users AS account ON account.id = seen.user_id
WHERE account.institution_id = %(institution_id)s AND account.erased_at IS NULL
ORDER BY account.id
ON CONFLICT (user_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
WHERE users_seen.last_seen_at < excluded.last_seen_at
