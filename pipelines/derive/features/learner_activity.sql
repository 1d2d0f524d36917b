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
