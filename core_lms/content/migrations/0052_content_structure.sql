-- Items in modules, items put away, files, and how much of a video was watched.
ALTER TABLE content_items
    ADD COLUMN module_id UUID REFERENCES course_modules(id),
    ADD COLUMN archived_at TIMESTAMPTZ; -- no longer shown, counted or used; its history stays

CREATE INDEX content_items_of_module ON content_items (module_id) WHERE module_id IS NOT NULL;

-- A file of a course. The row comes first (waiting), then the bytes, whole (ready) or not at all.
CREATE TABLE media (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    uploaded_by UUID REFERENCES users(id) ON DELETE SET NULL,
    name VARCHAR(255) NOT NULL,
    media_type VARCHAR(100) NOT NULL,
    status VARCHAR(20) NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'ready')),
    storage_key VARCHAR(200), -- copies of a course share the bytes of the original
    bytes BIGINT CHECK (bytes >= 0),
    sha256 CHAR(64),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    stored_at TIMESTAMPTZ,
    archived_at TIMESTAMPTZ,
    institution_id UUID NOT NULL,
    CHECK (status = 'waiting'
           OR (storage_key IS NOT NULL AND bytes IS NOT NULL AND sha256 IS NOT NULL))
);

CREATE INDEX media_of_course ON media (course_id, created_at, id);
CREATE INDEX media_of_key ON media (storage_key);
CREATE INDEX media_waiting ON media (institution_id, created_at) WHERE status = 'waiting';

-- The parts of a video that a learner has watched, as a set: a part watched twice counts once.
CREATE TABLE video_progress (
    user_id UUID NOT NULL REFERENCES users(id),
    item_id UUID NOT NULL REFERENCES content_items(id),
    watched NUMMULTIRANGE NOT NULL,
    position_s NUMERIC(10,3) NOT NULL DEFAULT 0, -- where to go on
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    PRIMARY KEY (user_id, item_id)
);

SELECT tenant_table('media');
SELECT tenant_table('video_progress');
