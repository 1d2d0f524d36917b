-- Enrollments: the reference's table, plus the tenant and the moment of leaving.
CREATE TABLE enrollments (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    progress NUMERIC(5,2) DEFAULT 0.0 CHECK (progress BETWEEN 0 AND 100),
    completed_at TIMESTAMPTZ,
    status VARCHAR(20) DEFAULT 'enrolled' CHECK (status IN ('enrolled', 'completed', 'dropped')),
    created_at TIMESTAMPTZ DEFAULT NOW(),
    institution_id UUID NOT NULL,
    -- Work done offline before leaving may arrive after it: the moment decides, not the order.
    dropped_at TIMESTAMPTZ
);

-- Whoever dropped a course may enroll again; nobody is in a course twice at once.
CREATE UNIQUE INDEX enrollments_once ON enrollments (user_id, course_id)
    WHERE status <> 'dropped';
CREATE INDEX enrollments_of_user ON enrollments (user_id, created_at, id);
CREATE INDEX enrollments_of_course ON enrollments (course_id, created_at, id);
