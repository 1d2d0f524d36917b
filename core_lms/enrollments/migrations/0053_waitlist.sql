-- Who waits for a seat. An entry's id becomes the id of the enrollment when a seat is given.
CREATE TABLE waitlist (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    course_id UUID NOT NULL REFERENCES courses(id),
    cohort_id UUID REFERENCES cohorts(id),
    place BIGINT GENERATED ALWAYS AS IDENTITY, -- order of coming: given under the course's seat lock
    status VARCHAR(20) NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'enrolled', 'left')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    ended_at TIMESTAMPTZ,
    institution_id UUID NOT NULL,
    CHECK ((status = 'waiting') = (ended_at IS NULL))
);

CREATE UNIQUE INDEX waitlist_once ON waitlist (course_id, user_id) WHERE status = 'waiting';
CREATE INDEX waitlist_in_order ON waitlist (course_id, place) WHERE status = 'waiting';
CREATE INDEX waitlist_of_user ON waitlist (user_id);

SELECT tenant_table('waitlist');
