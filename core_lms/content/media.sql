-- name: insert
INSERT INTO media (id, institution_id, course_id, uploaded_by, name, media_type)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(uploaded_by)s, %(name)s, %(media_type)s)
RETURNING {stored}

-- name: get
SELECT {media.stored}, (SELECT wrapped_keyset FROM media_keys
                 WHERE media_keys.institution_id = media.institution_id)
FROM media
WHERE id = %(id)s AND institution_id = %(institution_id)s AND archived_at IS NULL

-- name: make_key
INSERT INTO media_keys (institution_id, wrapped_keyset) VALUES (%(institution_id)s, %(wrapped)s)
ON CONFLICT DO NOTHING

-- name: key
SELECT wrapped_keyset FROM media_keys WHERE institution_id = %(institution_id)s

-- name: not_encrypted
SELECT DISTINCT storage_key, institution_id::text, bytes, sha256 FROM media
WHERE status = 'ready' AND archived_at IS NULL AND right(storage_key, 5) <> '.aead'
ORDER BY storage_key

-- name: move
UPDATE media SET storage_key = %(new)s WHERE storage_key = %(old)s

-- name: lock
SELECT {stored} FROM media
WHERE id = %(id)s AND institution_id = %(institution_id)s AND archived_at IS NULL
FOR UPDATE

-- name: list
SELECT {stored} FROM media
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: store
UPDATE media
SET status = 'ready', storage_key = %(storage_key)s, bytes = %(bytes)s, sha256 = %(sha256)s,
    stored_at = NOW()
WHERE id = %(id)s AND status = 'waiting'
RETURNING {stored}

-- name: archive
UPDATE media SET archived_at = NOW() WHERE id = %(id)s RETURNING {stored}

-- name: used_by
-- The kinds know where in their metadata a file is named; wherever it is, its id is in the text.
SELECT id FROM content_items
WHERE course_id = %(course_id)s AND archived_at IS NULL
  AND position(%(id)s::text IN metadata::text) > 0
LIMIT 1

-- name: key_in_use
SELECT EXISTS (SELECT FROM media
               WHERE storage_key = %(storage_key)s AND archived_at IS NULL)

-- name: known
-- Of these files, the ones that are in the course.
SELECT id::text FROM media
WHERE id = ANY(%(ids)s::uuid[]) AND course_id = %(course_id)s
  AND institution_id = %(institution_id)s AND archived_at IS NULL

-- name: ready
SELECT id::text FROM media
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND status = 'ready' AND archived_at IS NULL

-- name: forget_waiting
DELETE FROM media
WHERE id IN (SELECT id FROM media
             WHERE institution_id = %(institution_id)s AND status = 'waiting'
               AND created_at < %(before)s
             LIMIT 100 FOR UPDATE SKIP LOCKED)

-- name: forget_all_waiting
DELETE FROM media WHERE status = 'waiting' AND created_at < %(before)s

-- name: keys_in_use
SELECT DISTINCT storage_key FROM media
WHERE storage_key = ANY(%(keys)s) AND archived_at IS NULL
