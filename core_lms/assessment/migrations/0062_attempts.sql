-- A learner's attempts at an assessment that asks questions. Handed in, an attempt has a submission
-- of the same id.
CREATE TABLE attempts (
    id UUID PRIMARY KEY,
    assessment_id UUID NOT NULL REFERENCES assessments(id),
    user_id UUID NOT NULL REFERENCES users(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    number INTEGER NOT NULL CHECK (number >= 1),
    seed TEXT NOT NULL, -- of draws and orders; ours, or learners could choose their questions
    status VARCHAR(16) NOT NULL DEFAULT 'open'
        -- open → submitted (Kafka will tell the grading service) → waiting (for a person) → graded
        CHECK (status IN ('open', 'submitted', 'waiting', 'graded')),
    started_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ, -- by time limit and closing date; NULL: neither
    grace_s INTEGER NOT NULL DEFAULT 0,
    submitted_at TIMESTAMPTZ,
    over_time BOOLEAN NOT NULL DEFAULT FALSE, -- an answer came after limit and grace, and was let in
    institution_id UUID NOT NULL,
    UNIQUE (assessment_id, user_id, number),
    CHECK ((status = 'open') = (submitted_at IS NULL))
);

CREATE UNIQUE INDEX attempts_one_open ON attempts (assessment_id, user_id) WHERE status = 'open';
CREATE INDEX attempts_running_out ON attempts (expires_at) WHERE status = 'open';
CREATE INDEX attempts_waiting ON attempts (course_id, submitted_at, id) WHERE status = 'waiting';
CREATE INDEX attempts_of_learner ON attempts (user_id);

CREATE TABLE attempt_questions (
    attempt_id UUID NOT NULL REFERENCES attempts(id),
    position INTEGER NOT NULL CHECK (position >= 0),
    question_id UUID NOT NULL REFERENCES questions(id),
    version INTEGER NOT NULL, -- what the learner saw
    max_points NUMERIC(6,2) NOT NULL CHECK (max_points > 0),
    answer JSONB, -- as the kind's model reads it; what a learner wrote stays here
    revision INTEGER NOT NULL DEFAULT 0, -- an older autosave that arrives late changes nothing
    answered_at TIMESTAMPTZ,
    seconds NUMERIC(10,1) CHECK (seconds >= 0), -- how long it was open, as the client tells
    points NUMERIC(6,2) CHECK (points >= 0 AND points <= max_points), -- NULL: not graded yet
    correct BOOLEAN,
    response TEXT, -- what events tell of the answer
    graded_version INTEGER, -- the version whose key decided; NULL: a person did
    graded_by UUID REFERENCES users(id), -- NULL: a machine
    graded_at TIMESTAMPTZ,
    criteria JSONB, -- points given by criterion of the rubric
    feedback TEXT,
    institution_id UUID NOT NULL,
    PRIMARY KEY (attempt_id, question_id),
    UNIQUE (attempt_id, position),
    FOREIGN KEY (question_id, version) REFERENCES question_versions (question_id, version)
);

CREATE INDEX attempt_questions_of_question ON attempt_questions (question_id, attempt_id);

ALTER TABLE submissions
    ADD COLUMN attempt INTEGER CHECK (attempt >= 1), -- NULL: work without questions
    ADD COLUMN late BOOLEAN, -- NULL: the work has no due date
    ADD COLUMN passed BOOLEAN; -- NULL: not graded, or the work has no score that passes

-- Whoever hands in what time has run out for has to look into every institution first, and sees
-- nothing of it but this.
CREATE FUNCTION attempts_run_out(now TIMESTAMPTZ, most INTEGER)
RETURNS TABLE (institution_id UUID, id UUID)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT institution_id, id FROM attempts
    WHERE status = 'open' AND expires_at + make_interval(secs => grace_s) < now
    ORDER BY expires_at LIMIT most
$$;
REVOKE ALL ON FUNCTION attempts_run_out FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attempts_run_out TO learnstream_app;

SELECT tenant_table('attempts');
SELECT tenant_table('attempt_questions');
