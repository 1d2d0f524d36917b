-- Questions that assessments are made of, kept in banks of a course.
CREATE TABLE question_banks (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    title VARCHAR(500) NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX question_banks_of_course ON question_banks (course_id, created_at, id);

CREATE TABLE questions (
    id UUID PRIMARY KEY,
    bank_id UUID NOT NULL REFERENCES question_banks(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    kind VARCHAR(32) NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,31}$'), -- core_lms/assessment/kinds
    tags TEXT[] NOT NULL DEFAULT '{}',
    points NUMERIC(6,2) NOT NULL CHECK (points > 0 AND points <= 1000),
    version INTEGER NOT NULL DEFAULT 1, -- the current one of question_versions
    archived_at TIMESTAMPTZ, -- no longer drawn; what was asked stays
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX questions_of_bank ON questions (bank_id, created_at, id);

-- What a question said and says: an attempt points at the version it saw, so none ever changes.
CREATE TABLE question_versions (
    question_id UUID NOT NULL REFERENCES questions(id),
    version INTEGER NOT NULL CHECK (version >= 1),
    body JSONB NOT NULL, -- as the kind's model reads it, key included
    -- The version before was wrong: whoever saw it is graded by this one.
    corrects BOOLEAN NOT NULL DEFAULT FALSE,
    why TEXT,
    written_by UUID, -- NULL: a machine
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    PRIMARY KEY (question_id, version)
);

SELECT tenant_table('question_banks');
SELECT tenant_table('questions');
SELECT tenant_table('question_versions');
