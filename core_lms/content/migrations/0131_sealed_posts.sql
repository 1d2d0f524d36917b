-- What somebody wrote in a forum is sealed with the writer's data key, bound to its row.
-- NULL: no post, or its writer was erased.
ALTER TABLE content_views ADD COLUMN text_sealed BYTEA;
-- Posts from before are sealed by `learnstream migrate`, which then validates this.
ALTER TABLE content_views ADD CONSTRAINT content_views_hold_no_text
    CHECK (NOT details ? 'text') NOT VALID;
