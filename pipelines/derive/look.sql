-- What a step looks at. Parameters: done and upto (batches), gap (of a session), and moments around
-- everything, so that chunks of other times are left out when the plan is made. A rebuild has
-- done = -1: everything is fresh to it, and nothing was known before. `batch_no + 0` keeps a plan from
-- the index of batches where it is the learner that leads to few rows.

-- name: event
SELECT e.event_id, e.timestamp, e.received_at,
       e.user_id IS NOT NULL AND e.topic = 'lms.content.events',
       e.user_id IS NOT NULL AND (e.topic = 'lms.content.events' OR e.event_type IN
           ('assessment.submitted', 'recommendation.clicked', 'recommendation.dismissed')),
       e.event_type = 'content.viewed', e.event_type = 'content.completed',
       e.institution_id, e.user_id, e.course_id, e.item_id, e.clicks, e.kind, e.event_type,
       e.payload ->> 'device',
       CASE WHEN e.timestamp > e.received_at + INTERVAL '5 minutes' THEN e.source_service END,
       CASE WHEN e.topic <> 'lms.content.events' OR e.event_type = 'video.watched'
            THEN e.payload END
FROM activity_events e

-- name: bounds
-- From the first to the last new event, and around that as far as a step looks at what was known:
-- whole days, and a session's gap. Within what an event's moment can be, and Python can hold.
SELECT greatest(first_at, '0001-01-01Z'), least(until_at, '9999-12-31 23:59:59.999999Z'),
       greatest(date_trunc('day', first_at) - %(gap)s::interval, '0001-01-01Z'),
       least(date_trunc('day', until_at) + INTERVAL '1 day' + %(gap)s::interval,
             '9999-12-31 23:59:59.999999Z')
FROM (SELECT min(first_at) AS first_at, max(last_at) + INTERVAL '1 second' AS until_at
      FROM archive_batches WHERE batch_no > %(done)s AND batch_no <= %(upto)s) AS step

-- name: see
INSERT INTO fresh {event}
WHERE e.batch_no > %(done)s AND e.batch_no <= %(upto)s AND e.timestamp BETWEEN %(lo)s AND %(hi)s

-- name: see_slice
INSERT INTO fresh {event} JOIN everybody ON everybody.user_id = e.user_id
WHERE slice = %(slice)s AND e.batch_no <= %(upto)s AND e.timestamp >= %(since)s

-- name: see_loose
-- Events about no learner.
INSERT INTO fresh {event}
WHERE e.user_id IS NULL AND e.batch_no <= %(upto)s AND e.topic <> 'lms.content.events'

-- name: tell
INSERT INTO told SELECT * FROM fresh WHERE payload IS NOT NULL

-- name: learner_minutes
-- The learner first in every key: a sort then compares what differs.
INSERT INTO learner_minute
SELECT user_id, institution_id, course_id, date_bin('1 minute', at, 'epoch'), count(*),
       coalesce(sum(clicks), 0), count(*) FILTER (WHERE viewed),
       count(*) FILTER (WHERE completed), count(source_service),
       min(at), max(at), max(at) FILTER (WHERE source_service IS NULL),
       string_agg(device, E'\x1f')
FROM fresh WHERE content GROUP BY 1, 2, 3, 4

-- name: item_totals
INSERT INTO item_now
SELECT item_id, institution_id, count(*) FILTER (WHERE viewed),
       coalesce(sum(clicks) FILTER (WHERE viewed), 0), count(source_service) FILTER (WHERE viewed),
       max(at) FILTER (WHERE viewed AND source_service IS NULL)
FROM fresh WHERE content GROUP BY 1, 2

-- name: touch
INSERT INTO touched
SELECT *, lo = hi AND coalesce(lag(hi) OVER of_learner < lo - %(gap)s::interval, true)
          AND coalesce(lead(lo) OVER of_learner > hi + %(gap)s::interval, true)
FROM (
    SELECT user_id, institution_id, (first_at AT TIME ZONE 'UTC')::date AS day,
           min(first_at) AS lo, max(last_at) AS hi, sum(events), string_agg(devices, E'\x1f')
    FROM (SELECT user_id, institution_id, first_at, last_at, events, devices FROM learner_minute
          UNION ALL
          SELECT user_id, institution_id, at, at, 1, device FROM told
          WHERE own AND NOT content) AS action
    GROUP BY 1, 2, 3
) AS of_day
WINDOW of_learner AS (PARTITION BY user_id, institution_id ORDER BY lo)

-- name: sessions_before
-- By learner, from their first new action to their last: one search where days would take many.
-- Sessions do not overlap: of those that began before that, at most the last reaches into it.
WITH learner AS MATERIALIZED (
    SELECT user_id, institution_id, min(lo) - %(gap)s::interval AS from_at,
           max(hi) + %(gap)s::interval AS until_at
    FROM touched GROUP BY 1, 2
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
INSERT INTO session_before
SELECT user_id, institution_id, day, started_at, ended_at, known.events, known.devices
FROM touched JOIN known USING (user_id, institution_id)
WHERE started_at <= hi + %(gap)s::interval AND ended_at >= lo - %(gap)s::interval

-- name: accompany
UPDATE touched t SET lone = false FROM session_before b
WHERE t.lone AND b.user_id = t.user_id AND b.institution_id = t.institution_id AND b.day = t.day

-- name: near
-- Where a session ended before the span, its end is the last action; where it goes on, one is
-- within the gap. Nothing else of the day is read here.
INSERT INTO near
SELECT DISTINCT user_id, institution_id, course_id, event_id, timestamp, content
FROM (
    SELECT user_id, institution_id,
           coalesce(max(CASE WHEN ended_at < lo THEN ended_at
                             WHEN started_at < lo THEN greatest(started_at, lo - %(gap)s::interval)
                        END), lo) AS from_at,
           coalesce(min(CASE WHEN started_at > hi THEN started_at
                             WHEN ended_at > hi THEN least(ended_at, hi + %(gap)s::interval)
                        END), hi) AS until_at
    FROM touched JOIN session_before USING (user_id, institution_id, day)
    GROUP BY user_id, institution_id, day, lo, hi
) AS span CROSS JOIN LATERAL (
    SELECT e.course_id, e.event_id, e.timestamp, e.topic = 'lms.content.events' AS content
    FROM activity_events e
    WHERE e.user_id = span.user_id AND e.timestamp BETWEEN from_at AND until_at
      AND e.timestamp BETWEEN %(around_lo)s AND %(around_hi)s
      AND e.institution_id = span.institution_id AND e.batch_no + 0 <= %(done)s
      AND (e.topic = 'lms.content.events' OR e.event_type IN
           ('assessment.submitted', 'recommendation.clicked', 'recommendation.dismissed'))
    OFFSET 0  -- by itself
) AS action

-- name: days_before
-- By learner, as their sessions.
WITH now AS MATERIALIZED (
    SELECT user_id, institution_id, course_id, date_bin('1 day', minute_at, 'epoch') AS bucket_at
    FROM learner_minute GROUP BY 1, 2, 3, 4
)
INSERT INTO day_before
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
-- For each of these days by itself, as in `near`: of the newest events, which are those asked for,
-- statistics say that there are none, and a plan would read them all for each learner.
INSERT INTO item_before
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

-- name: lone_runs
INSERT INTO run
SELECT user_id, institution_id, lo, hi, events, devices FROM touched WHERE lone

-- name: walk
-- Each other action with the next one, and the next that was known before, from the last to the
-- first. A run ends where the next is further than the gap.
WITH walk AS MATERIALIZED (
    SELECT user_id, institution_id, course_id, at, content, device, fresh, next_at, next_known_at,
           ended, count(*) FILTER (WHERE ended) OVER (
               PARTITION BY user_id, institution_id ORDER BY at DESC, event_id DESC
               ROWS UNBOUNDED PRECEDING) AS nth
    FROM (SELECT *, coalesce(next_at > at + %(gap)s::interval, true) AS ended
          FROM (SELECT *, lag(at) OVER later AS next_at,
                       min(at) FILTER (WHERE NOT fresh) OVER later AS next_known_at
                FROM (SELECT user_id, institution_id, course_id, event_id, at, content, device,
                             true AS fresh
                      FROM fresh JOIN touched USING (user_id, institution_id)
                      WHERE own AND NOT lone AND (at AT TIME ZONE 'UTC')::date = day
                      UNION ALL
                      SELECT user_id, institution_id, course_id, event_id, at, content, NULL, false
                      FROM near) AS action
                WINDOW later AS (PARTITION BY user_id, institution_id
                                 ORDER BY at DESC, event_id DESC
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS found
         ) AS marked
), runs AS (
    INSERT INTO run
    SELECT user_id, institution_id, min(at) FILTER (WHERE fresh), max(at) FILTER (WHERE fresh),
           count(*) FILTER (WHERE fresh), string_agg(device, E'\x1f')
    FROM walk GROUP BY user_id, institution_id, nth HAVING bool_or(fresh)
)
INSERT INTO time_step
SELECT institution_id, course_id, user_id, at, ms
FROM walk, LATERAL (
    -- Microseconds are whole numbers in a float of 53 bits; half a millisecond counts as one.
    SELECT CASE WHEN ended THEN 0
                ELSE ((date_part('epoch', next_at - at) * 1000000)::bigint + 500) / 1000 END
         - CASE WHEN fresh OR next_known_at IS NULL OR next_known_at > at + %(gap)s::interval THEN 0
                ELSE ((date_part('epoch', next_known_at - at) * 1000000)::bigint + 500) / 1000 END
) AS changed (ms)
WHERE content AND ms <> 0

-- name: advance
INSERT INTO derive_position (done_batch_no) VALUES (%(upto)s)
ON CONFLICT (one) DO UPDATE SET done_batch_no = EXCLUDED.done_batch_no

-- name: forget
DELETE FROM archive_batches WHERE batch_no <= %(upto)s
