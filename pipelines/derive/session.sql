-- Tables of the connection that derives: emptied at each commit.

-- The new events. `own`: an action of the learner's, not something that was done to them. The
-- payload only where an event is rare, the producer only where its clock was ahead of ours.
-- Columns of a fixed width come first: PostgreSQL finds them without looking at those before.
CREATE TEMP TABLE fresh (
    event_id uuid, at timestamptz, received_at timestamptz, content boolean, own boolean,
    viewed boolean, completed boolean, institution_id uuid, user_id uuid, course_id uuid,
    item_id uuid, clicks integer, kind text, event_type text, device text, source_service text,
    payload jsonb
) ON COMMIT DELETE ROWS;

-- The rare ones, so that nobody looks for them among all.
CREATE TEMP TABLE told (LIKE pg_temp.fresh) ON COMMIT DELETE ROWS;

-- What was known before of those the new events are about.

-- Learners and days (UTC) with new actions: the time from the first to the last of them. `lone`:
-- all at one moment and no other within a session's gap, so there is no step to or from them.
CREATE TEMP TABLE touched (
    user_id uuid, institution_id uuid, day date, lo timestamptz, hi timestamptz, events bigint,
    devices text, lone boolean
) ON COMMIT DELETE ROWS;
-- Their sessions within reach.
CREATE TEMP TABLE session_before (
    user_id uuid, institution_id uuid, day date, started_at timestamptz, ended_at timestamptz,
    events bigint, devices text[]
) ON COMMIT DELETE ROWS;
-- Actions just before, among and just after the new ones.
CREATE TEMP TABLE near (
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

-- What the new events come to.

-- Learners by course and minute. `newest_at` leaves out events ahead of our clock.
CREATE TEMP TABLE learner_minute (
    user_id uuid, institution_id uuid, course_id uuid, minute_at timestamptz, events bigint,
    clicks bigint, views bigint, completions bigint, ahead bigint, first_at timestamptz,
    last_at timestamptz, newest_at timestamptz, devices text
) ON COMMIT DELETE ROWS;
-- Items, and how they were viewed.
CREATE TEMP TABLE item_now (
    item_id uuid, institution_id uuid, views bigint, clicks bigint, ahead bigint,
    last_viewed_at timestamptz
) ON COMMIT DELETE ROWS;
-- Steps from one action to the next in a session: what they add to a learner's time on task.
CREATE TEMP TABLE time_step (
    institution_id uuid, course_id uuid, user_id uuid, at timestamptz, ms bigint
) ON COMMIT DELETE ROWS;
-- Actions of which none is further than a session's gap from the next.
CREATE TEMP TABLE run (
    user_id uuid, institution_id uuid, started_at timestamptz, ended_at timestamptz, events bigint,
    devices text
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
