-- Groups of learners who take a course together.
CREATE TABLE cohorts (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    name VARCHAR(255) NOT NULL,
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ, -- nobody joins after it
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    CHECK (starts_at < ends_at),
    UNIQUE (course_id, name),
    UNIQUE (id, course_id)
);

CREATE INDEX cohorts_of_course ON cohorts (course_id, created_at, id);

-- A learner is in one cohort of a course at most.
CREATE TABLE cohort_members (
    course_id UUID NOT NULL REFERENCES courses(id),
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    cohort_id UUID NOT NULL,
    joined_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    PRIMARY KEY (course_id, user_id),
    FOREIGN KEY (cohort_id, course_id) REFERENCES cohorts (id, course_id)
);

CREATE INDEX cohort_members_of_cohort ON cohort_members (cohort_id, joined_at, user_id);

SELECT tenant_table('cohorts');
SELECT tenant_table('cohort_members');
