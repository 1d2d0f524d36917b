-- Courses: the reference's table, plus the tenant.
CREATE TABLE courses (
    id UUID PRIMARY KEY,
    title VARCHAR(500) NOT NULL,
    description TEXT,
    instructor_id UUID NOT NULL REFERENCES users(id),
    created_by UUID NOT NULL REFERENCES users(id),
    status VARCHAR(20) DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
    metadata JSONB DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT NOW(),
    updated_at TIMESTAMPTZ DEFAULT NOW(),
    institution_id UUID NOT NULL
);

-- Lists go by (created_at, id): the index is the order of the cursor.
CREATE INDEX courses_of_institution ON courses (institution_id, created_at, id);
CREATE INDEX courses_of_instructor ON courses (instructor_id);
