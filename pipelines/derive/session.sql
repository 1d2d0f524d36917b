-- Tables of the connection that derives: emptied at each commit.

-- Learners and days (UTC) with new events.
CREATE TEMP TABLE touched (user_id uuid, day date) ON COMMIT DELETE ROWS;

-- What of each learner's time has to be looked at: whole days, a session's gap around them, and
-- the whole of the sessions that reach into that.
CREATE TEMP TABLE spans (user_id uuid, lo timestamptz, hi timestamptz) ON COMMIT DELETE ROWS;

-- The archive's events in the spans. `fresh`: new in this step. `in_day`: on a touched day, of
-- which everything is here; others are here only for their nearness in time. `own`: an action of
-- the learner's, not something that was done to them. The payload only where an event is rare, the
-- producer only where its clock was ahead of ours.
CREATE TEMP TABLE seen (
    event_id uuid, event_type text, at timestamptz, institution_id uuid, user_id uuid,
    course_id uuid, item_id uuid, kind text, clicks integer, device text, payload jsonb,
    content boolean, own boolean, in_day boolean, fresh boolean, source_service text,
    received_at timestamptz
) ON COMMIT DELETE ROWS;

-- The fresh ones among the rare events, so that nobody looks for them among all.
CREATE TEMP TABLE told (LIKE pg_temp.seen) ON COMMIT DELETE ROWS;

-- Learners by course and minute: how many new events, and were they there before this step?
CREATE TEMP TABLE learner_minute (
    institution_id uuid, course_id uuid, user_id uuid, minute_at timestamptz, events bigint,
    novel boolean
) ON COMMIT DELETE ROWS;

-- Steps from one event to the next in a session: what this step adds to a learner's time on task.
CREATE TEMP TABLE time_step (
    institution_id uuid, course_id uuid, user_id uuid, at timestamptz, ms bigint
) ON COMMIT DELETE ROWS;

CREATE TEMP TABLE session_now (
    user_id uuid, started_at timestamptz, ended_at timestamptz, institution_id uuid,
    events bigint, devices text[]
) ON COMMIT DELETE ROWS;

CREATE TEMP TABLE learner_course_before (LIKE learner_course) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE learner_course_told (
    institution_id uuid, course_id uuid, user_id uuid, enrolled_at timestamptz,
    last_enrolled_at timestamptz, first_activity_at timestamptz, completed_at timestamptz,
    dropped_at timestamptz, more boolean
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE offer_before (LIKE recommendation_offer) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE offer_touched (recommendation_id uuid, item_id uuid) ON COMMIT DELETE ROWS;

-- Assessments whose statistics are made again.
CREATE TEMP TABLE due (assessment_id uuid) ON COMMIT DELETE ROWS;
