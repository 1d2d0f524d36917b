-- about: Running totals over lms.content.events per learner, with the newest item
-- check: the feature store has each learner's newest totals
-- entity: learner
-- queue: learner_totals_due
-- feature events_total: int
-- feature clicks_total: int
-- feature last_item_id: text
-- feature last_course_id: text
-- feature last_seen_at: text, ISO 8601 in UTC
-- trail: last_item_id by last_seen_at

-- name: rows
-- The features of the learners in `wanted (entity_id, institution_id, as_of)`. Asked as of a
-- learner's newest event, the kept totals answer; for any other moment, and for whom an event from
-- the future was counted, the days before it and the archive of its day.
SELECT w.entity_id, w.institution_id, w.as_of, a.events AS events_total, a.clicks AS clicks_total,
       a.item_id::text AS last_item_id, a.course_id::text AS last_course_id,
       rtrim(rtrim(to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z'
           AS last_seen_at
FROM wanted w
CROSS JOIN LATERAL (
    SELECT t.events, t.clicks, t.last_item_id AS item_id, t.last_course_id AS course_id,
           t.last_seen_at AS at
    FROM learner_totals t
    WHERE t.user_id = w.entity_id AND t.institution_id = w.institution_id
      AND t.last_seen_at = w.as_of AND t.ahead = 0
    UNION ALL
    SELECT totals.events, totals.clicks, newest.item_id, newest.course_id, newest.timestamp
    FROM (
        SELECT item_id, course_id, timestamp FROM activity_events e
        WHERE e.user_id = w.entity_id AND e.timestamp <= w.as_of
          AND e.institution_id = w.institution_id AND e.topic = 'lms.content.events'
        ORDER BY timestamp DESC, item_id DESC, course_id DESC LIMIT 1
    ) AS newest
    CROSS JOIN LATERAL (
        SELECT sum(events)::bigint AS events, sum(clicks)::bigint AS clicks
        FROM (SELECT events, clicks FROM learner_course_day d
              WHERE d.user_id = w.entity_id AND d.institution_id = w.institution_id
                AND d.bucket_at < date_trunc('day', w.as_of, 'UTC')
              UNION ALL
              SELECT count(*), coalesce(sum(clicks), 0) FROM activity_events e
              WHERE e.user_id = w.entity_id AND e.institution_id = w.institution_id
                AND e.topic = 'lms.content.events' AND e.timestamp <= w.as_of
                AND e.timestamp >= date_trunc('day', w.as_of, 'UTC')) AS counted
    ) AS totals
    LIMIT 1
) AS a

-- name: newest
-- An event from the future does not move the newest moment: nothing would follow it.
SELECT d.entity_id, d.institution_id,
       (SELECT CASE WHEN ahead = 0 THEN last_seen_at ELSE (
            SELECT max(timestamp) FROM activity_events e
            WHERE e.user_id = d.entity_id AND e.topic = 'lms.content.events'
              AND e.timestamp <= now() + INTERVAL '5 min') END
        FROM learner_totals t
        WHERE t.user_id = d.entity_id AND t.institution_id = d.institution_id) AS as_of
FROM taken d

-- name: past
SELECT user_id AS entity_id, institution_id, timestamp AS at FROM activity_events e
WHERE topic = 'lms.content.events' AND user_id IS NOT NULL
  AND timestamp <= received_at + INTERVAL '5 minutes'
  AND timestamp >= %(since)s AND timestamp < %(until)s

-- name: expected
SELECT e.institution_id, e.user_id, max(moment) AS as_of, count(*) AS events_total,
       coalesce(sum(clicks), 0)::BIGINT AS clicks_total,
       arg_max(item_id, (moment, item_id::VARCHAR, course_id::VARCHAR)) AS last_item_id,
       arg_max(course_id, (moment, item_id::VARCHAR, course_id::VARCHAR)) AS last_course_id,
       max(moment) AS last_seen_at
FROM distinct_events e JOIN featured f ON f.user_id = e.user_id AND f.kept = 'all'
WHERE content AND e.user_id NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
GROUP BY ALL

-- name: found
SELECT institution_id::UUID AS institution_id, user_id::UUID AS user_id,
       as_of AT TIME ZONE 'UTC' AS as_of, events_total, clicks_total,
       last_item_id::UUID AS last_item_id, last_course_id::UUID AS last_course_id,
       last_seen_at::TIMESTAMPTZ AT TIME ZONE 'UTC' AS last_seen_at
FROM history_learner_activity
WHERE user_id::UUID NOT IN (SELECT user_id FROM clocks_ahead WHERE user_id IS NOT NULL)
  AND user_id::UUID NOT IN (SELECT user_id FROM featured WHERE kept = 'some')
