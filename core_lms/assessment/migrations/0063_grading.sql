-- What an assessment counts for a learner, and how scores came to be.
CREATE TABLE assessment_scores (
    assessment_id UUID NOT NULL REFERENCES assessments(id),
    user_id UUID NOT NULL REFERENCES users(id),
    score NUMERIC(5,2) NOT NULL CHECK (score BETWEEN 0 AND 100), -- by the assessment's rule
    passed BOOLEAN, -- NULL: the work has no score that passes
    graded INTEGER NOT NULL, -- submissions that have a score
    updated_at TIMESTAMPTZ NOT NULL,
    institution_id UUID NOT NULL,
    PRIMARY KEY (assessment_id, user_id)
);

CREATE INDEX assessment_scores_of_learner ON assessment_scores (user_id);

-- Every time somebody corrected a question and had it graded again.
CREATE TABLE regrades (
    id UUID PRIMARY KEY,
    question_id UUID NOT NULL REFERENCES questions(id),
    version INTEGER NOT NULL, -- the current one then
    why TEXT NOT NULL,
    asked_by UUID, -- NULL: a machine
    looked_at INTEGER NOT NULL, -- answers that were graded again
    changed INTEGER NOT NULL, -- scores that became another
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);

CREATE INDEX regrades_of_question ON regrades (question_id, created_at, id);

-- Only ever added to: who changed which points or score, when and why.
CREATE TABLE grade_history (
    id UUID PRIMARY KEY,
    submission_id UUID NOT NULL REFERENCES submissions(id),
    question_id UUID REFERENCES questions(id), -- NULL: the score of the whole, from 0 to 100
    before NUMERIC(6,2),
    after NUMERIC(6,2) NOT NULL,
    reason VARCHAR(16) NOT NULL CHECK (reason IN ('graded', 'manual', 'regrade')),
    why TEXT,
    regrade_id UUID REFERENCES regrades(id),
    changed_by UUID, -- NULL: a machine
    -- The statement's moment, not the transaction's: rows of one transaction keep their order.
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    institution_id UUID NOT NULL
);

CREATE INDEX grade_history_of_submission ON grade_history (submission_id, created_at, id);

SELECT tenant_table('assessment_scores');
SELECT tenant_table('regrades');
SELECT tenant_table('grade_history');
-- The history of a grade is no longer one if it can be edited.
REVOKE UPDATE, DELETE ON grade_history FROM learnstream_app;
