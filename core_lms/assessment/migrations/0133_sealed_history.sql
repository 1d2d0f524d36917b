-- Why points or a score changed may say something of the learner: it is sealed with the learner's data
-- key like what else is said of their work. NULL: nobody said why, or the learner was erased.
ALTER TABLE grade_history ADD COLUMN why_sealed BYTEA;
-- Rows from before are sealed by `learnstream migrate`, which then validates this.
ALTER TABLE grade_history ADD CONSTRAINT grade_history_holds_no_text CHECK (why IS NULL) NOT VALID;
-- The history stays what it is; only the words can be taken out of it, when a learner is erased.
GRANT UPDATE (why_sealed) ON grade_history TO learnstream_app;
