-- One index for "once" and for a learner's history, where two took a third of what archiving costs:
-- an event is the same as another if its learner, moment and id are (docs/adr/0010-derived-tables.md).
-- With compression TimescaleDB makes no new unique index: such an archive keeps its two.
DO $$
BEGIN
    IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables
            WHERE hypertable_schema = 'public' AND hypertable_name = 'activity_events') THEN
        DROP INDEX activity_events_once;
        DROP INDEX activity_events_learner;
        CREATE UNIQUE INDEX activity_events_once ON activity_events (user_id, timestamp, event_id)
            NULLS NOT DISTINCT;
    END IF;
END
$$;
