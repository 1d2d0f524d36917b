-- Rows of the archive do not die: vacuuming a chunk only marks its pages as visible to all, for scans
-- that ask the index alone (there are none), and freezes them, for which there is time until a chunk
-- is 200 million transactions old. While a chunk grew from nothing it was done again at each
-- doubling: four fifths of what autovacuum cost in a replay. Now from the first two million rows on.
ALTER TABLE activity_events SET (autovacuum_vacuum_insert_threshold = 2000000);

-- Rows that grow with every step: with room on their page they do so in place, and no index learns
-- of it.
ALTER TABLE item_engagement SET (fillfactor = 80);
ALTER TABLE learner_submission SET (fillfactor = 80);
ALTER TABLE learner_totals SET (fillfactor = 80);
ALTER TABLE item_totals SET (fillfactor = 80);
ALTER TABLE learner_course SET (fillfactor = 80);
