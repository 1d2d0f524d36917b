INSERT INTO content_items
    (id, course_id, module_id, kind, title, description, position, required, metadata,
     institution_id)
SELECT id, course_id, module_id, kind, title, description, position, required, metadata,
       institution_id
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, course_id UUID, module_id UUID, kind TEXT, title TEXT, description TEXT,
    position INTEGER, required BOOLEAN, metadata JSONB, institution_id UUID
)
ON CONFLICT (id) DO UPDATE SET
    course_id = excluded.course_id,
    module_id = excluded.module_id,
    kind = excluded.kind,
    title = excluded.title,
    description = excluded.description,
    position = excluded.position,
    required = excluded.required,
    metadata = content_items.metadata || excluded.metadata,
    updated_at = NOW()
WHERE (content_items.course_id, content_items.module_id, content_items.kind, content_items.title,
       content_items.description, content_items.position, content_items.required,
       content_items.metadata)
    IS DISTINCT FROM
    (excluded.course_id, excluded.module_id, excluded.kind, excluded.title,
     excluded.description, excluded.position, excluded.required,
     content_items.metadata || excluded.metadata)
RETURNING course_id::TEXT, xmax = 0 AS created
