-- Who is asked into a course by its teachers. An invitation's id becomes the enrollment's id when it
-- is accepted.
CREATE TABLE invitations (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    course_id UUID NOT NULL REFERENCES courses(id),
    cohort_id UUID REFERENCES cohorts(id),
    invited_by UUID REFERENCES users(id), -- NULL: a machine
    status VARCHAR(20) NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'accepted', 'declined', 'withdrawn')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    answered_at TIMESTAMPTZ,
    institution_id UUID NOT NULL,
    CHECK ((status = 'open') = (answered_at IS NULL))
);

CREATE UNIQUE INDEX invitations_once ON invitations (course_id, user_id) WHERE status = 'open';
CREATE INDEX invitations_of_course ON invitations (course_id, created_at, id);
CREATE INDEX invitations_of_user ON invitations (user_id, created_at, id);

SELECT tenant_table('invitations');
