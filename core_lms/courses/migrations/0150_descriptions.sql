-- What courses are made of, as events describe it: titles, kinds, places, states.
--
-- `course_structure` is how everything is now; `course_descriptions` is what was last published of it.
-- Where they differ, something is to be published (core_lms/courses/describing.py).
CREATE TABLE course_descriptions (
    id UUID PRIMARY KEY, -- of the course, module, item, assessment or question
    course_id UUID NOT NULL REFERENCES courses(id) ON DELETE CASCADE,
    what TEXT NOT NULL CHECK (what IN ('course', 'module', 'item', 'assessment', 'question')),
    facts JSONB NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    institution_id UUID NOT NULL
);

CREATE INDEX course_descriptions_of_course ON course_descriptions (course_id);
SELECT tenant_table('course_descriptions');

CREATE FUNCTION event_moment(at TIMESTAMPTZ) RETURNS TEXT
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN at >= '1970-01-01Z' AND at < '2200-01-01Z' -- the years that events may name
            THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END;

-- Row-level security is that of whoever asks.
CREATE VIEW course_structure WITH (security_invoker = true) AS
SELECT id, id AS course_id, institution_id, 'course' AS what, jsonb_build_object(
    'title', title, 'status', status, 'starts_at', event_moment(starts_at),
    'ends_at', event_moment(ends_at), 'language',
    substring(metadata ->> 'language' FROM '^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$')
) AS facts
FROM courses
UNION ALL
SELECT id, course_id, institution_id, 'module', jsonb_build_object(
    'title', title, 'position', position,
    'status', CASE WHEN archived_at IS NULL THEN 'active' ELSE 'archived' END)
FROM course_modules
UNION ALL
SELECT id, course_id, institution_id, 'item', jsonb_build_object(
    'title', title, 'kind', kind, 'position', position, 'module_id', module_id,
    'required', required,
    'status', CASE WHEN archived_at IS NULL THEN 'active' ELSE 'archived' END)
FROM content_items
UNION ALL
SELECT id, course_id, institution_id, 'assessment', jsonb_build_object(
    'title', title, 'kind', kind, 'status', 'active', 'position',
    row_number() OVER (PARTITION BY course_id ORDER BY due_at NULLS LAST, created_at, id) - 1)
FROM assessments
UNION ALL
SELECT question.id, question.course_id, question.institution_id, 'question', jsonb_build_object(
    'title', left(regexp_replace(version.body ->> 'prompt', '\s+', ' ', 'g'), 500),
    'kind', question.kind, 'max_points', question.points,
    'status', CASE WHEN question.archived_at IS NULL THEN 'active' ELSE 'archived' END,
    'position', row_number() OVER (
        PARTITION BY question.course_id ORDER BY question.created_at, question.id) - 1)
FROM questions AS question
JOIN question_versions AS version
  ON version.question_id = question.id AND version.version = question.version;

CREATE INDEX questions_of_course ON questions (course_id, created_at, id);
GRANT SELECT ON course_structure TO learnstream_app;
