-- The archive is only added to: rows in it do not die, and nobody asks for a value inside a payload.
-- So it is vacuumed where it has doubled, analyzed where it has grown by half, and its payloads are
-- not sorted for statistics. A replay would otherwise spend a tenth of its time on that.
ALTER TABLE activity_events SET (
    autovacuum_vacuum_insert_scale_factor = 1.0, autovacuum_analyze_scale_factor = 0.5);
ALTER TABLE activity_events ALTER COLUMN payload SET STATISTICS 0;
