-- What a course consists of, and what learners did with it.
CREATE TABLE content_items (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    kind VARCHAR(32) NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,31}$'),
    title VARCHAR(500) NOT NULL,
    description TEXT,
    position INTEGER NOT NULL DEFAULT 0 CHECK (position >= 0),
    required BOOLEAN NOT NULL DEFAULT TRUE, -- counts towards completing the course
    metadata JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX content_items_of_course ON content_items (course_id, position, id);

-- One row per interaction with content that came over HTTP; its id is the event's id.
CREATE TABLE content_views (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    item_id UUID NOT NULL REFERENCES content_items(id),
    event_type VARCHAR(64) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    clicks INTEGER NOT NULL DEFAULT 0 CHECK (clicks >= 0), -- content.viewed only
    details JSONB NOT NULL DEFAULT '{}', -- the rest of the payload: positions, post ids
    occurred_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX content_views_of_learner ON content_views (user_id, course_id, occurred_at);
CREATE INDEX content_views_of_course ON content_views (course_id, occurred_at);

CREATE TABLE content_completions (
    user_id UUID NOT NULL REFERENCES users(id),
    item_id UUID NOT NULL REFERENCES content_items(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    completed_at TIMESTAMPTZ NOT NULL,
    institution_id UUID NOT NULL,
    PRIMARY KEY (user_id, item_id)
);

CREATE INDEX content_completions_of_course ON content_completions (user_id, course_id);
