-- name: media
SELECT id::text, uploaded_by::text, name, media_type, storage_key, bytes, sha256
FROM media
WHERE course_id = %(source_id)s AND institution_id = %(institution_id)s
  AND status = 'ready' AND archived_at IS NULL

-- name: insert_media
INSERT INTO media (id, course_id, uploaded_by, name, media_type, status, storage_key, bytes, sha256,
                   stored_at, institution_id)
SELECT id, %(target_id)s, uploaded_by, name, media_type, 'ready', storage_key, bytes, sha256,
       NOW(), %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, uploaded_by UUID, name TEXT, media_type TEXT, storage_key TEXT, bytes BIGINT,
    sha256 TEXT
)

-- name: items
SELECT id::text, kind, title, description, position, required, metadata, module_id::text
FROM content_items
WHERE course_id = %(source_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL

-- name: insert_items
INSERT INTO content_items (id, course_id, kind, title, description, position, required, metadata,
                           module_id, institution_id)
SELECT id, %(target_id)s, kind, title, description, position, required, metadata, module_id,
       %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, kind TEXT, title TEXT, description TEXT, position INTEGER, required BOOLEAN,
    metadata JSONB, module_id UUID
)

-- name: unfinished
SELECT id, kind, metadata FROM content_items
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL
ORDER BY position, id
