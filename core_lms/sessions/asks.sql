-- name: insert
INSERT INTO asks (id, kind, sealed, institution_id)
VALUES (%(id)s, %(kind)s, %(sealed)s, %(institution_id)s)

-- name: waiting
SELECT id, institution_id::text FROM asks_waiting(%(most)s)

-- name: take
DELETE FROM asks WHERE id = %(id)s RETURNING kind, sealed
