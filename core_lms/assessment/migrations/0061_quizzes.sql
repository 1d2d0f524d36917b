-- The rules of an assessment, the questions it asks, and who gets more time or attempts.
ALTER TABLE assessments
    ADD COLUMN opens_at TIMESTAMPTZ,
    ADD COLUMN closes_at TIMESTAMPTZ, -- nothing is begun or handed in afterwards
    ADD COLUMN late_penalty NUMERIC(5,2) NOT NULL DEFAULT 0
        CHECK (late_penalty BETWEEN 0 AND 100), -- percent of the score that lateness costs
    ADD COLUMN pass_score NUMERIC(5,2) CHECK (pass_score BETWEEN 0 AND 100),
    ADD COLUMN max_attempts INTEGER CHECK (max_attempts BETWEEN 1 AND 1000), -- NULL: as many as wanted
    ADD COLUMN score_rule VARCHAR(16) NOT NULL DEFAULT 'best'
        CHECK (score_rule IN ('best', 'last', 'average')),
    ADD COLUMN time_limit_s INTEGER CHECK (time_limit_s BETWEEN 10 AND 604800),
    ADD COLUMN grace_s INTEGER NOT NULL DEFAULT 5 CHECK (grace_s BETWEEN 0 AND 3600),
    ADD COLUMN after_limit VARCHAR(16) NOT NULL DEFAULT 'refuse' -- answers after limit and grace
        CHECK (after_limit IN ('refuse', 'flag')),
    ADD COLUMN shuffle_questions BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN shuffle_choices BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN release VARCHAR(16) NOT NULL DEFAULT 'at_once' -- when learners see results
        CHECK (release IN ('at_once', 'after_due', 'manual')),
    ADD COLUMN show_solutions BOOLEAN NOT NULL DEFAULT TRUE, -- with the results
    ADD COLUMN released_at TIMESTAMPTZ;

-- What is asked: one question, or some drawn from a bank for each attempt anew.
CREATE TABLE assessment_parts (
    id UUID PRIMARY KEY,
    assessment_id UUID NOT NULL REFERENCES assessments(id),
    position INTEGER NOT NULL CHECK (position >= 0),
    question_id UUID REFERENCES questions(id),
    bank_id UUID REFERENCES question_banks(id),
    tags TEXT[] NOT NULL DEFAULT '{}', -- drawn questions have all of these
    draws INTEGER CHECK (draws BETWEEN 1 AND 200),
    points NUMERIC(6,2) CHECK (points > 0 AND points <= 1000), -- each; NULL: the question's own
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    CHECK ((question_id IS NULL) <> (bank_id IS NULL)),
    CHECK ((bank_id IS NULL) = (draws IS NULL))
);

CREATE INDEX assessment_parts_of_assessment ON assessment_parts (assessment_id, position, id);
CREATE UNIQUE INDEX assessment_parts_once ON assessment_parts (assessment_id, question_id);

-- Why is not stored: it may be about somebody's health.
CREATE TABLE accommodations (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    assessment_id UUID REFERENCES assessments(id), -- NULL: all of the course's
    user_id UUID NOT NULL REFERENCES users(id),
    time_factor NUMERIC(4,2) NOT NULL DEFAULT 1 CHECK (time_factor BETWEEN 1 AND 10),
    extra_attempts INTEGER NOT NULL DEFAULT 0 CHECK (extra_attempts BETWEEN 0 AND 1000),
    extension_s BIGINT NOT NULL DEFAULT 0 -- later due and closing dates
        CHECK (extension_s BETWEEN 0 AND 31622400),
    granted_by UUID, -- NULL: a machine
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    UNIQUE NULLS NOT DISTINCT (course_id, user_id, assessment_id)
);

SELECT tenant_table('assessment_parts');
SELECT tenant_table('accommodations');
