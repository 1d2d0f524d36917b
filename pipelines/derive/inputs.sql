-- The inputs of a step, filled by load_inputs.sql: temporary tables, emptied at each commit. Nothing
-- else lists them.

-- The new events. `own_action`: the learner did it, it was not done to them. The payload only where an
-- event is rare, the producer only where its clock was ahead of ours. Columns of a fixed width come
-- first: PostgreSQL finds them without reading those before.
CREATE TEMP TABLE new_events (
    event_id uuid, at timestamptz, received_at timestamptz, content boolean, own_action boolean,
    completed boolean, institution_id uuid, user_id uuid, course_id uuid, item_id uuid, kind text,
    event_type text, device text, source_service text, payload jsonb
) ON COMMIT DELETE ROWS;

-- Those of them that keep their payload, so that nobody searches all for the rare ones.
CREATE TEMP TABLE payload_events (LIKE pg_temp.new_events) ON COMMIT DELETE ROWS;

-- The state before the step of the learners that the new events are about.

-- Learners and days (UTC) with new actions, from the first of them to the last. `unmatched`: all at one
-- moment and no other action within a session's gap, so no time passes to or from them.
CREATE TEMP TABLE active_day (
    user_id uuid, institution_id uuid, day date, lo timestamptz, hi timestamptz, events bigint,
    devices text, unmatched boolean
) ON COMMIT DELETE ROWS;
-- Their sessions within a gap of that.
CREATE TEMP TABLE session_before (
    user_id uuid, institution_id uuid, day date, started_at timestamptz, ended_at timestamptz,
    events bigint, devices text[]
) ON COMMIT DELETE ROWS;
-- Actions just before, among and just after the new ones.
CREATE TEMP TABLE neighbours (
    user_id uuid, institution_id uuid, course_id uuid, event_id uuid, at timestamptz,
    content boolean
) ON COMMIT DELETE ROWS;
-- Their days in a course, and what they opened and completed on those.
CREATE TEMP TABLE day_before (
    user_id uuid, institution_id uuid, course_id uuid, bucket_at timestamptz, first_at timestamptz,
    last_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE item_before (
    user_id uuid, institution_id uuid, course_id uuid, bucket_at timestamptz, item_id uuid,
    finished boolean
) ON COMMIT DELETE ROWS;

-- What the new events add.

-- Learners by course and minute.
CREATE TEMP TABLE learner_minute (
    user_id uuid, institution_id uuid, course_id uuid, minute_at timestamptz, events bigint,
    first_at timestamptz, last_at timestamptz, devices text
) ON COMMIT DELETE ROWS;
-- Time from one action to the next in a session: what is added to a learner's time on task.
CREATE TEMP TABLE time_delta (
    institution_id uuid, course_id uuid, user_id uuid, at timestamptz, ms bigint
) ON COMMIT DELETE ROWS;
-- New actions of which none is further than a session's gap from the next, known or new.
CREATE TEMP TABLE session_fragment (
    user_id uuid, institution_id uuid, started_at timestamptz, ended_at timestamptz, events bigint,
    devices text
) ON COMMIT DELETE ROWS;
