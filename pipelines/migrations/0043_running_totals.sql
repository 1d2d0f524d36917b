-- What these counted are windows over tiles now, as of the moment of asking (features/windows.py). A
-- learner's newest item is asked of the archive.
DROP TABLE learner_totals, item_totals, learner_totals_due, item_totals_due;
DROP TABLE IF EXISTS features.item_popularity;
ALTER TABLE IF EXISTS features.learner_activity
    DROP COLUMN IF EXISTS events_total,
    DROP COLUMN IF EXISTS clicks_total,
    DROP COLUMN IF EXISTS last_course_id;
