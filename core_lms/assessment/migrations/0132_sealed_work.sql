-- What a learner answered, and what is said of it, is sealed with the learner's data key, bound to
-- its row. NULL: nothing was written, or the learner was erased.
ALTER TABLE attempt_questions ADD COLUMN answer_sealed BYTEA, ADD COLUMN feedback_sealed BYTEA;
ALTER TABLE feedback ADD COLUMN text_sealed BYTEA;
-- Rows from before are sealed by `learnstream migrate`, which then validates these.
ALTER TABLE attempt_questions ADD CONSTRAINT attempt_questions_hold_no_text
    CHECK (answer IS NULL AND feedback IS NULL) NOT VALID;
ALTER TABLE feedback ADD CONSTRAINT feedback_holds_no_text CHECK (body = '') NOT VALID;
