-- name: insert
INSERT INTO courses (id, institution_id, title, description, instructor_id, created_by, metadata,
                     capacity, starts_at, ends_at, copied_from)
VALUES (%(id)s, %(institution_id)s, %(title)s, %(description)s, %(instructor_id)s, %(created_by)s,
        %(metadata)s, %(capacity)s, %(starts_at)s, %(ends_at)s, %(copied_from)s)
RETURNING {course}

-- name: get
SELECT {course} FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT {course} FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: lock_shared
-- Enrollments hold the course as it is until they commit: not against each other, only against
-- archiving. Studying reads without a lock: a view at the moment of closing hurts nobody, and a
-- lock on one course row by all of its learners would.
SELECT {course} FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR SHARE

-- name: list
SELECT {course.course}
FROM courses AS course
WHERE course.institution_id = %(institution_id)s
  AND (%(status)s::text IS NULL OR course.status = %(status)s::text)
  AND (%(sees_all)s OR course.status = 'published' OR course.instructor_id = %(caller_id)s
       OR teaches(%(caller_id)s, course.id))
  AND (%(tags)s::text[] IS NULL
       OR EXISTS (SELECT FROM course_search AS search
                  WHERE search.course_id = course.id AND search.tags @> %(tags)s::text[]))
  AND (%(after_first)s::timestamptz IS NULL
       OR (course.created_at, course.id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY course.created_at, course.id
LIMIT %(rows)s

-- name: search
-- Best first. The cursor carries the rank as a whole number; equal words give equal ranks.
SELECT * FROM (
    SELECT {course.course}, (ts_rank_cd(search.words, query.words) * 1000000)::int AS rank
    FROM websearch_to_tsquery('english', %(q)s) AS query (words)
    JOIN course_search AS search ON search.words @@ query.words
    JOIN courses AS course ON course.id = search.course_id
    WHERE search.institution_id = %(institution_id)s
      AND (%(status)s::text IS NULL OR course.status = %(status)s::text)
      AND (%(sees_all)s OR course.status = 'published' OR course.instructor_id = %(caller_id)s
           OR teaches(%(caller_id)s, course.id))
      AND (%(tags)s::text[] IS NULL OR search.tags @> %(tags)s::text[])
) AS found
WHERE %(after_first)s::int IS NULL OR rank < %(after_first)s::int
   OR (rank = %(after_first)s::int AND id > %(after_id)s::uuid)
ORDER BY rank DESC, id
LIMIT %(rows)s

-- name: change
UPDATE courses
SET title = %(title)s, description = %(description)s, instructor_id = %(instructor_id)s,
    metadata = %(metadata)s, capacity = %(capacity)s, starts_at = %(starts_at)s,
    ends_at = %(ends_at)s, updated_at = NOW()
WHERE id = %(id)s
RETURNING {course}

-- name: set_status
UPDATE courses
SET status = %(status)s::text, updated_at = NOW(),
    published_at = CASE WHEN %(status)s::text = 'published' THEN coalesce(published_at, NOW())
                        ELSE published_at END
WHERE id = %(id)s
RETURNING {course}

-- name: touch
UPDATE courses SET updated_at = NOW() WHERE id = %(id)s

-- name: readiness
-- What publishing asks of the course itself.
SELECT
    (SELECT count(*) FROM content_items AS item
     WHERE item.course_id = course.id AND item.archived_at IS NULL)
    + (SELECT count(*) FROM assessments AS work WHERE work.course_id = course.id) AS contents,
    instructor.status AS instructor_status,
    instructor.role AS instructor_role,
    (SELECT coalesce(json_agg(json_build_object('id', before.id, 'status', before.status)), '[]')
     FROM course_prerequisites AS required
     JOIN courses AS before ON before.id = required.requires_course_id
     WHERE required.course_id = course.id AND before.status <> 'published') AS closed
FROM courses AS course
JOIN users AS instructor ON instructor.id = course.instructor_id
WHERE course.id = %(id)s

-- name: has_learners
SELECT EXISTS (SELECT FROM enrollments WHERE course_id = %(id)s)
    OR EXISTS (SELECT FROM waitlist WHERE course_id = %(id)s AND status = 'waiting')

-- name: instructors
SELECT instructor_id AS user_id, TRUE AS first, created_at AS since
FROM courses WHERE id = %(id)s AND institution_id = %(institution_id)s
UNION ALL
SELECT user_id, FALSE, created_at
FROM user_roles
WHERE scope = 'course:' || %(id)s AND role_name = 'instructor'
  AND institution_id = %(institution_id)s
ORDER BY first DESC, since, user_id

-- name: add_instructor
INSERT INTO user_roles (id, institution_id, user_id, role_name, scope)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, 'instructor', 'course:' || %(course_id)s)
RETURNING user_id, FALSE AS first, created_at AS since

-- name: added_instructor
SELECT user_id, FALSE AS first, created_at AS since FROM user_roles WHERE id = %(id)s

-- name: remove_instructor
DELETE FROM user_roles
WHERE user_id = %(user_id)s AND scope = 'course:' || %(course_id)s AND role_name = 'instructor'
  AND institution_id = %(institution_id)s

-- name: lock_prerequisites
-- Two writers who each add one half of a cycle must not both miss the other's: writers of an
-- institution come one by one.
SELECT pg_advisory_xact_lock(%(lock_class)s, hashtext(%(institution_id)s))

-- name: prerequisites
SELECT requires_course_id AS id FROM course_prerequisites
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
ORDER BY created_at, requires_course_id

-- name: known
SELECT id FROM courses WHERE id = ANY(%(ids)s::uuid[]) AND institution_id = %(institution_id)s

-- name: clear_prerequisites
DELETE FROM course_prerequisites WHERE course_id = %(course_id)s

-- name: add_prerequisites
INSERT INTO course_prerequisites (course_id, requires_course_id, institution_id, created_at)
SELECT %(course_id)s, id, %(institution_id)s, NOW() + place * interval '1 microsecond'
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, place)

-- name: required_of
-- Every pair (course, course it requires) on the way from a course; each once, cycles or not.
WITH RECURSIVE pair (course_id, requires_course_id) AS (
    SELECT course_id, requires_course_id
    FROM course_prerequisites WHERE course_id = %(course_id)s
    UNION
    SELECT next.course_id, next.requires_course_id
    FROM pair
    JOIN course_prerequisites AS next ON next.course_id = pair.requires_course_id
)
SELECT course_id::text, requires_course_id::text FROM pair
