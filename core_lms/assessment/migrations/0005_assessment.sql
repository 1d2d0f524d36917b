-- Work that learners hand in, its scores, and what was said about it.
CREATE TABLE assessments (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    kind VARCHAR(32) NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,31}$'),
    title VARCHAR(500) NOT NULL,
    due_at TIMESTAMPTZ,
    weight NUMERIC(5,2) NOT NULL DEFAULT 0 CHECK (weight BETWEEN 0 AND 100),
    required BOOLEAN NOT NULL DEFAULT TRUE, -- counts towards completing the course
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX assessments_of_course ON assessments (course_id, created_at, id);

CREATE TABLE submissions (
    id UUID PRIMARY KEY,
    assessment_id UUID NOT NULL REFERENCES assessments(id),
    user_id UUID NOT NULL REFERENCES users(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    submitted_at TIMESTAMPTZ NOT NULL,
    score NUMERIC(5,2) CHECK (score BETWEEN 0 AND 100),
    graded_at TIMESTAMPTZ,
    graded_by UUID REFERENCES users(id),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    CHECK ((score IS NULL) = (graded_at IS NULL))
);

CREATE INDEX submissions_of_assessment ON submissions (assessment_id, created_at, id);
CREATE INDEX submissions_of_learner ON submissions (user_id, course_id);

CREATE TABLE feedback (
    id UUID PRIMARY KEY,
    submission_id UUID NOT NULL REFERENCES submissions(id),
    given_by UUID NOT NULL REFERENCES users(id),
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX feedback_of_submission ON feedback (submission_id);
