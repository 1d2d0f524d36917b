-- What a course has beside its items: dates and seats, modules, courses to complete before it, and
-- what searching looks at.
ALTER TABLE courses
    ADD COLUMN capacity INTEGER CHECK (capacity BETWEEN 1 AND 1000000), -- NULL: as many as come
    ADD COLUMN starts_at TIMESTAMPTZ,
    ADD COLUMN ends_at TIMESTAMPTZ, -- nobody enrolls after it
    ADD COLUMN published_at TIMESTAMPTZ, -- the first time
    ADD COLUMN copied_from UUID REFERENCES courses(id) ON DELETE SET NULL,
    ADD CONSTRAINT courses_dates CHECK (starts_at < ends_at);

CREATE TABLE course_modules (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    title VARCHAR(500) NOT NULL,
    description TEXT,
    position INTEGER NOT NULL CHECK (position >= 0),
    opens_at TIMESTAMPTZ, -- learners see its items from then on; NULL: with the course
    archived_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX course_modules_of_course ON course_modules (course_id, position, id);

-- No cycles: the service looks for one under a lock that all writers of an institution share.
CREATE TABLE course_prerequisites (
    course_id UUID NOT NULL REFERENCES courses(id),
    requires_course_id UUID NOT NULL REFERENCES courses(id),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    PRIMARY KEY (course_id, requires_course_id),
    CHECK (course_id <> requires_course_id)
);

CREATE INDEX course_prerequisites_of ON course_prerequisites (requires_course_id);

-- The words of a course, kept beside it by a trigger so that importers need not know of it. No GIN
-- index: row-level security lets only leakproof operators into an index condition, and @@ is none,
-- so a search reads the words of its own institution's courses (10,000 of them in about 15 ms).
CREATE TABLE course_search (
    course_id UUID PRIMARY KEY REFERENCES courses(id) ON DELETE CASCADE,
    tags TEXT[] NOT NULL,
    words TSVECTOR NOT NULL, -- A: title, B: tags, C: description
    institution_id UUID NOT NULL
);

CREATE INDEX course_search_of_institution ON course_search (institution_id);

CREATE FUNCTION course_tags(metadata JSONB) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((
    SELECT array_agg(lower(tag) ORDER BY place)
    FROM jsonb_array_elements_text(
        CASE jsonb_typeof(metadata -> 'tags') WHEN 'array' THEN metadata -> 'tags' ELSE '[]' END
    ) WITH ORDINALITY AS given (tag, place)
), '{}');

CREATE FUNCTION course_words(title TEXT, description TEXT, metadata JSONB) RETURNS TSVECTOR
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('english', title), 'A')
    || setweight(to_tsvector('english', array_to_string(course_tags(metadata), ' ')), 'B')
    || setweight(to_tsvector('english', coalesce(description, '')), 'C');

CREATE FUNCTION keep_course_search() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO course_search (course_id, institution_id, tags, words)
    VALUES (NEW.id, NEW.institution_id, course_tags(NEW.metadata),
            course_words(NEW.title, NEW.description, NEW.metadata))
    ON CONFLICT (course_id) DO UPDATE SET tags = excluded.tags, words = excluded.words;
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_course_search
AFTER INSERT OR UPDATE OF title, description, metadata ON courses
FOR EACH ROW EXECUTE FUNCTION keep_course_search();

INSERT INTO course_search (course_id, institution_id, tags, words)
SELECT id, institution_id, course_tags(metadata), course_words(title, description, metadata)
FROM courses;

-- Who teaches one course beside its first instructor: a role whose scope is the course, once.
CREATE UNIQUE INDEX user_roles_once_per_course ON user_roles (scope, user_id, role_name)
    WHERE scope LIKE 'course:%';

SELECT tenant_table('course_modules');
SELECT tenant_table('course_prerequisites');
SELECT tenant_table('course_search');
