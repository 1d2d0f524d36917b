-- Loads a step's inputs into the tables of inputs.sql. Parameters: done and upto (batches), gap (of a
-- session), and the bounds in time of all it reads, so that the planner leaves out other chunks. A
-- rebuild has done = -1: every event is new to it, and there is no earlier state. `batch_no + 0` keeps
-- a plan from the index of batches where the learner leads to few rows. {own_action} is that of actions.py.

-- name: event
-- The beginning of the statements that fill new_events from the archive.
INSERT INTO new_events (event_id, at, received_at, content, own_action, completed,
    institution_id, user_id, course_id, item_id, kind, event_type, device, source_service, payload)
SELECT e.event_id, e.timestamp, e.received_at,
       e.user_id IS NOT NULL AND e.topic = 'lms.content.events',
       e.user_id IS NOT NULL AND {own_action},
       e.event_type = 'content.completed', e.institution_id, e.user_id, e.course_id, e.item_id,
       e.kind, e.event_type, e.payload ->> 'device',
       CASE WHEN e.timestamp > e.received_at + INTERVAL '5 minutes' THEN e.source_service END,
       CASE WHEN e.topic <> 'lms.content.events' OR e.event_type = 'video.watched'
            THEN e.payload END
FROM activity_events e

-- name: bounds
-- From the first to the last new event, and the span of earlier events that a step reads: whole days
-- and a session's gap around it. Within what an event's moment can be, and Python can hold.
SELECT greatest(first_at, '0001-01-01Z'), least(until_at, '9999-12-31 23:59:59.999999Z'),
       greatest(date_trunc('day', first_at) - %(gap)s::interval, '0001-01-01Z'),
       least(date_trunc('day', until_at) + INTERVAL '1 day' + %(gap)s::interval,
             '9999-12-31 23:59:59.999999Z')
FROM (SELECT min(first_at) AS first_at, max(last_at) + INTERVAL '1 second' AS until_at
      FROM archive_batches WHERE batch_no > %(done)s AND batch_no <= %(upto)s) AS step

-- name: new_events
{event}
WHERE e.batch_no > %(done)s AND e.batch_no <= %(upto)s AND e.timestamp BETWEEN %(lo)s AND %(hi)s

-- name: events_of_slice
{event} JOIN everybody ON everybody.user_id = e.user_id
WHERE slice = %(slice)s AND e.batch_no <= %(upto)s AND e.timestamp >= %(since)s

-- name: events_without_learner
{event}
WHERE e.user_id IS NULL AND e.batch_no <= %(upto)s AND e.topic <> 'lms.content.events'

-- name: payload_events
INSERT INTO payload_events SELECT * FROM new_events WHERE payload IS NOT NULL

-- name: learner_minutes
-- The learner first in every key: a sort then compares what differs.
INSERT INTO learner_minute (user_id, institution_id, course_id, minute_at, events, first_at,
    last_at, devices)
SELECT user_id, institution_id, course_id, date_bin('1 minute', at, 'epoch'), count(*),
       min(at), max(at), string_agg(device, E'\x1f')
FROM new_events WHERE content GROUP BY 1, 2, 3, 4

-- name: active_days
INSERT INTO active_day (user_id, institution_id, day, lo, hi, events, devices, unmatched)
SELECT *, lo = hi AND coalesce(lag(hi) OVER of_learner < lo - %(gap)s::interval, true)
          AND coalesce(lead(lo) OVER of_learner > hi + %(gap)s::interval, true)
FROM (
    SELECT user_id, institution_id, (first_at AT TIME ZONE 'UTC')::date AS day,
           min(first_at) AS lo, max(last_at) AS hi, sum(events), string_agg(devices, E'\x1f')
    FROM (SELECT user_id, institution_id, first_at, last_at, events, devices FROM learner_minute
          UNION ALL
          SELECT user_id, institution_id, at, at, 1, device FROM payload_events
          WHERE own_action AND NOT content) AS action
    GROUP BY 1, 2, 3
) AS of_day
WINDOW of_learner AS (PARTITION BY user_id, institution_id ORDER BY lo)

-- name: sessions_before
-- One index search per learner, from their first new action to their last, where days take many.
-- Sessions do not overlap: of those that began before that, at most the last reaches into it.
WITH learner AS MATERIALIZED (
    SELECT user_id, institution_id, min(lo) - %(gap)s::interval AS from_at,
           max(hi) + %(gap)s::interval AS until_at
    FROM active_day GROUP BY 1, 2
), known AS MATERIALIZED (
    SELECT s.* FROM learner CROSS JOIN LATERAL (
        SELECT * FROM sessions s
        WHERE s.user_id = learner.user_id AND s.institution_id = learner.institution_id
          AND s.started_at BETWEEN from_at AND until_at
        UNION ALL
        SELECT * FROM (SELECT * FROM sessions s
                       WHERE s.user_id = learner.user_id
                         AND s.institution_id = learner.institution_id AND s.started_at < from_at
                       ORDER BY s.started_at DESC LIMIT 1) AS before
        WHERE ended_at >= from_at
    ) AS s
)
INSERT INTO session_before (user_id, institution_id, day, started_at, ended_at, events, devices)
SELECT user_id, institution_id, day, started_at, ended_at, known.events, known.devices
FROM active_day JOIN known USING (user_id, institution_id)
WHERE started_at <= hi + %(gap)s::interval AND ended_at >= lo - %(gap)s::interval

-- name: match_sessions
UPDATE active_day t SET unmatched = false FROM session_before b
WHERE t.unmatched AND b.user_id = t.user_id AND b.institution_id = t.institution_id AND b.day = t.day

-- name: neighbours
-- Where a session ended before the span, its end is the last action; where it goes on, one is
-- within the gap. Nothing else of the day is read here.
INSERT INTO neighbours (user_id, institution_id, course_id, event_id, at, content)
SELECT DISTINCT user_id, institution_id, course_id, event_id, timestamp, content
FROM (
    SELECT user_id, institution_id,
           coalesce(max(CASE WHEN ended_at < lo THEN ended_at
                             WHEN started_at < lo THEN greatest(started_at, lo - %(gap)s::interval)
                        END), lo) AS from_at,
           coalesce(min(CASE WHEN started_at > hi THEN started_at
                             WHEN ended_at > hi THEN least(ended_at, hi + %(gap)s::interval)
                        END), hi) AS until_at
    FROM active_day JOIN session_before USING (user_id, institution_id, day)
    GROUP BY user_id, institution_id, day, lo, hi
) AS span CROSS JOIN LATERAL (
    SELECT e.course_id, e.event_id, e.timestamp, e.topic = 'lms.content.events' AS content
    FROM activity_events e
    WHERE e.user_id = span.user_id AND e.timestamp BETWEEN from_at AND until_at
      AND e.timestamp BETWEEN %(around_lo)s AND %(around_hi)s
      AND e.institution_id = span.institution_id AND e.batch_no + 0 <= %(done)s
      AND {own_action}
    OFFSET 0  -- by itself
) AS action

-- name: days_before
-- By learner, as their sessions.
WITH now AS MATERIALIZED (
    SELECT user_id, institution_id, course_id, date_bin('1 day', minute_at, 'epoch') AS bucket_at
    FROM learner_minute GROUP BY 1, 2, 3, 4
)
INSERT INTO day_before (user_id, institution_id, course_id, bucket_at, first_at, last_at)
SELECT user_id, institution_id, course_id, bucket_at, first_at, last_at
FROM (SELECT user_id, min(bucket_at) AS from_at, max(bucket_at) AS until_at
      FROM now GROUP BY 1) AS learner
CROSS JOIN LATERAL (
    SELECT institution_id, course_id, bucket_at, first_at, last_at FROM learner_course_day d
    WHERE d.user_id = learner.user_id AND d.bucket_at BETWEEN from_at AND until_at
    OFFSET 0  -- by itself
) AS known
JOIN now USING (user_id, institution_id, course_id, bucket_at)

-- name: items_before
-- Day by day, as in `neighbours`: these are the newest events, of which the statistics say that there
-- are none, and a joined plan would read them all for each learner.
INSERT INTO item_before (user_id, institution_id, course_id, bucket_at, item_id, finished)
SELECT user_id, institution_id, course_id, bucket_at, item_id, finished
FROM day_before b CROSS JOIN LATERAL (
    SELECT e.item_id, bool_or(e.event_type = 'content.completed') AS finished
    FROM activity_events e
    WHERE e.user_id = b.user_id AND e.timestamp BETWEEN b.first_at AND b.last_at
      AND e.timestamp BETWEEN %(around_lo)s AND %(around_hi)s
      AND e.institution_id = b.institution_id AND e.course_id = b.course_id
      AND e.batch_no + 0 <= %(done)s AND e.topic = 'lms.content.events'
    GROUP BY e.item_id
) AS opened

-- name: unmatched_fragments
INSERT INTO session_fragment (user_id, institution_id, started_at, ended_at, events, devices)
SELECT user_id, institution_id, lo, hi, events, devices FROM active_day WHERE unmatched

-- name: sessionize
-- Each other action with the next one, and the next that was archived before, from the last to the
-- first. A fragment ends where the next action is further than the gap.
WITH ordered AS MATERIALIZED (
    SELECT user_id, institution_id, course_id, at, content, device, is_new, next_at, next_known_at,
           ended, count(*) FILTER (WHERE ended) OVER (
               PARTITION BY user_id, institution_id ORDER BY at DESC, event_id DESC
               ROWS UNBOUNDED PRECEDING) AS nth
    FROM (SELECT *, coalesce(next_at > at + %(gap)s::interval, true) AS ended
          FROM (SELECT *, lag(at) OVER later AS next_at,
                       min(at) FILTER (WHERE NOT is_new) OVER later AS next_known_at
                FROM (SELECT user_id, institution_id, course_id, event_id, at, content, device,
                             true AS is_new
                      FROM new_events JOIN active_day USING (user_id, institution_id)
                      WHERE own_action AND NOT unmatched AND (at AT TIME ZONE 'UTC')::date = day
                      UNION ALL
                      SELECT user_id, institution_id, course_id, event_id, at, content, NULL, false
                      FROM neighbours) AS action
                WINDOW later AS (PARTITION BY user_id, institution_id
                                 ORDER BY at DESC, event_id DESC
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS found
         ) AS marked
), fragments AS (
    INSERT INTO session_fragment (user_id, institution_id, started_at, ended_at, events, devices)
    SELECT user_id, institution_id, min(at) FILTER (WHERE is_new), max(at) FILTER (WHERE is_new),
           count(*) FILTER (WHERE is_new), string_agg(device, E'\x1f')
    FROM ordered GROUP BY user_id, institution_id, nth HAVING bool_or(is_new)
)
INSERT INTO time_delta (institution_id, course_id, user_id, at, ms)
SELECT institution_id, course_id, user_id, at, ms
FROM ordered, LATERAL (
    -- Microseconds are whole numbers in a float of 53 bits; half a millisecond counts as one.
    SELECT CASE WHEN ended THEN 0
                ELSE ((date_part('epoch', next_at - at) * 1000000)::bigint + 500) / 1000 END
         - CASE WHEN is_new OR next_known_at IS NULL OR next_known_at > at + %(gap)s::interval THEN 0
                ELSE ((date_part('epoch', next_known_at - at) * 1000000)::bigint + 500) / 1000 END
) AS changed (ms)
WHERE content AND ms <> 0

-- name: advance
-- content_events is no sum for readers: `verify` compares it with Flink's (pipelines/verify/behind.py).
INSERT INTO derive_position AS t (done_batch_no, content_events)
SELECT %(upto)s, count(*) FROM new_events WHERE content
ON CONFLICT (one) DO UPDATE SET done_batch_no = EXCLUDED.done_batch_no,
    content_events = t.content_events + EXCLUDED.content_events

-- name: delete_batches
DELETE FROM archive_batches WHERE batch_no <= %(upto)s
