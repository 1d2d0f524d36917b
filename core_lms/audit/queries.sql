-- name: alone
SELECT pg_try_advisory_lock(1280136019) AS alone

-- name: let_go
SELECT pg_advisory_unlock_all()

-- name: head
SELECT position, hash FROM audit_log ORDER BY position DESC LIMIT 1

-- name: take
DELETE FROM audit_queue
WHERE id IN (SELECT id FROM audit_queue ORDER BY at, id LIMIT %(limit)s)
RETURNING id, at, actor, action, resource, about, session_id, institution_id

-- name: seal
INSERT INTO audit_log (position, id, at, actor, action, resource, about, session_id,
                       institution_id, sealed_at, hash)
VALUES (%(position)s, %(id)s, %(at)s, %(actor)s, %(action)s, %(resource)s, %(about)s,
        %(session_id)s, %(institution_id)s, %(sealed_at)s, %(hash)s)

-- name: all
SELECT position, id, at, actor, action, resource, about, session_id, institution_id, sealed_at, hash
FROM audit_log ORDER BY position

-- name: waiting
SELECT count(*) AS rows, extract(epoch FROM clock_timestamp() - min(at)) AS oldest_s
FROM audit_queue

-- name: page
SELECT position, id, at, actor, action, resource,
       CASE WHEN %(about)s::uuid IS NULL THEN about ELSE ARRAY[%(about)s::uuid] END AS about,
       encode(hash, 'hex') AS hash
FROM audit_log
WHERE institution_id = %(institution_id)s
  AND (%(about)s::uuid IS NULL OR about @> ARRAY[%(about)s::uuid])
  AND (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(before)s::bigint IS NULL OR position < %(before)s)
ORDER BY position DESC LIMIT %(limit)s
