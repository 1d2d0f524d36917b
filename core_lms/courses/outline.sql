-- name: insert_module
INSERT INTO course_modules (id, institution_id, course_id, title, description, opens_at, position)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(title)s, %(description)s, %(opens_at)s,
        (SELECT coalesce(max(position) + 1, 0) FROM course_modules
         WHERE course_id = %(course_id)s))
RETURNING {module}

-- name: module
SELECT {module} FROM course_modules
WHERE id = %(id)s AND course_id = %(course_id)s AND institution_id = %(institution_id)s

-- name: change_module
UPDATE course_modules
SET title = %(title)s, description = %(description)s, opens_at = %(opens_at)s, updated_at = NOW()
WHERE id = %(id)s
RETURNING {module}

-- name: archive_module
UPDATE course_modules SET archived_at = NOW(), updated_at = NOW() WHERE id = %(id)s RETURNING {module}

-- name: module_has_items
SELECT EXISTS (SELECT FROM content_items WHERE module_id = %(id)s AND archived_at IS NULL)

-- name: modules
SELECT {placed} FROM course_modules
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL
ORDER BY position, id

-- name: items
SELECT {item} FROM content_items
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s AND archived_at IS NULL
ORDER BY position, id

-- name: place_modules
UPDATE course_modules AS module SET position = given.place - 1, updated_at = NOW()
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, place)
WHERE module.id = given.id AND module.course_id = %(course_id)s
  AND module.position <> given.place - 1

-- name: place_items
UPDATE content_items AS item
SET position = given.place - 1, module_id = given.module_id, updated_at = NOW()
FROM unnest(%(ids)s::uuid[], %(module_ids)s::uuid[]) WITH ORDINALITY AS given (id, module_id, place)
WHERE item.id = given.id AND item.course_id = %(course_id)s
  AND (item.position, item.module_id) IS DISTINCT FROM (given.place - 1, given.module_id)
