-- What a step looks at. Parameters: done and upto (batches), gap (of a session), lo and hi (moments
-- around everything, so that chunks of other times are left out when the plan is made).

-- name: touch
INSERT INTO touched
SELECT DISTINCT t.user_id, t.day
FROM archive_batches, unnest(users, days) AS t(user_id, day)
WHERE batch_no > %(done)s AND batch_no <= %(upto)s

-- name: span
INSERT INTO spans
SELECT user_id, lower(span), upper(span)
FROM (
    SELECT user_id, unnest(range_agg(tstzrange(
        least(lo, before.started_at), greatest(hi, within.ended_at), '[]'))) AS span
    FROM (
        SELECT user_id, lower(days) AS lo, upper(days) AS hi
        FROM (SELECT user_id, unnest(range_agg(tstzrange(
                  day::timestamptz - %(gap)s::interval,
                  day::timestamptz + INTERVAL '1 day' + %(gap)s::interval))) AS days
              FROM touched GROUP BY user_id) AS merged
    ) AS of_days
    -- Sessions do not overlap: at most one that began before reaches in, and of those that began
    -- within only the last can reach out.
    LEFT JOIN LATERAL (
        SELECT started_at FROM (
            SELECT started_at, ended_at FROM sessions s
            WHERE s.user_id = of_days.user_id AND s.started_at < lo
            ORDER BY started_at DESC LIMIT 1) AS newest
        WHERE ended_at >= lo) AS before ON true
    LEFT JOIN LATERAL (
        SELECT ended_at FROM sessions s
        WHERE s.user_id = of_days.user_id AND s.started_at <= hi
        ORDER BY started_at DESC LIMIT 1) AS within ON true
    GROUP BY user_id
) AS extended

-- name: bounds
-- Within what an event's moment can be, and Python can hold.
SELECT greatest(min(lo), '0001-01-01Z'), least(max(hi), '9999-12-31 23:59:59.999999Z') FROM spans

-- name: see
INSERT INTO seen
SELECT e.event_id, e.event_type, e.timestamp, e.institution_id, e.user_id, e.course_id, e.item_id,
       e.kind, e.clicks, e.payload ->> 'device',
       CASE WHEN e.topic <> 'lms.content.events' OR e.event_type = 'video.watched'
            THEN e.payload END,
       e.topic = 'lms.content.events',
       e.topic = 'lms.content.events' OR e.event_type IN
           ('assessment.submitted', 'recommendation.clicked', 'recommendation.dismissed'),
       t.user_id IS NOT NULL, e.batch_no > %(done)s,
       CASE WHEN e.timestamp > e.received_at + INTERVAL '5 minutes' THEN e.source_service END,
       e.received_at
FROM spans s
JOIN activity_events e ON e.user_id = s.user_id AND e.timestamp BETWEEN s.lo AND s.hi
LEFT JOIN touched t
    ON t.user_id = e.user_id AND t.day = (e.timestamp AT TIME ZONE 'UTC')::date
WHERE e.timestamp BETWEEN %(lo)s AND %(hi)s AND e.batch_no <= %(upto)s

-- name: see_loose
INSERT INTO seen
SELECT e.event_id, e.event_type, e.timestamp, e.institution_id, NULL, e.course_id, e.item_id,
       e.kind, e.clicks, NULL, e.payload, false, false, false, true, NULL, NULL
FROM archive_batches b, unnest(b.loose, b.loose_at) AS l(event_id, at)
JOIN activity_events e ON e.event_id = l.event_id AND e.timestamp = l.at
WHERE b.batch_no > %(done)s AND b.batch_no <= %(upto)s
  AND e.batch_no > %(done)s AND e.batch_no <= %(upto)s

-- name: see_all_loose
INSERT INTO seen
SELECT event_id, event_type, timestamp, institution_id, NULL, course_id, item_id, kind, clicks,
       NULL, payload, false, false, false, true, NULL, NULL
FROM activity_events
WHERE user_id IS NULL AND batch_no <= %(upto)s AND topic <> 'lms.content.events'

-- name: tell
INSERT INTO told SELECT * FROM seen WHERE fresh AND payload IS NOT NULL

-- name: learner_minutes
INSERT INTO learner_minute
SELECT institution_id, course_id, user_id, date_bin('1 minute', at, 'epoch'),
       count(*) FILTER (WHERE fresh), bool_and(fresh)
FROM seen WHERE content AND in_day GROUP BY 1, 2, 3, 4

-- name: time_steps
INSERT INTO time_step
SELECT institution_id, course_id, user_id, at, sum(ms)
FROM (
    SELECT institution_id, course_id, user_id, at,
           (extract(epoch FROM next_at - at) * 1000)::bigint AS ms
    FROM (SELECT *, lead(at) OVER (
              PARTITION BY institution_id, user_id ORDER BY at, event_id) AS next_at
          FROM seen WHERE own) AS now_known
    WHERE content AND next_at <= at + %(gap)s::interval
    UNION ALL
    SELECT institution_id, course_id, user_id, at,
           -(extract(epoch FROM next_at - at) * 1000)::bigint
    FROM (SELECT *, lead(at) OVER (
              PARTITION BY institution_id, user_id ORDER BY at, event_id) AS next_at
          FROM seen WHERE own AND NOT fresh) AS known_before
    WHERE content AND next_at <= at + %(gap)s::interval
) AS both_times
GROUP BY 1, 2, 3, 4 HAVING sum(ms) <> 0

-- name: advance
INSERT INTO derive_position (done_batch_no) VALUES (%(upto)s)
ON CONFLICT (one) DO UPDATE SET done_batch_no = EXCLUDED.done_batch_no

-- name: forget
DELETE FROM archive_batches WHERE batch_no <= %(upto)s
