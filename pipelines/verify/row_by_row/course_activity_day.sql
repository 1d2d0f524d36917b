-- about: each course's day is right, by kind of content
-- covers: course_activity_day
-- key: bucket_at, institution_id, course_id, kind
-- name: expected
SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id, kind,
       count(*) AS events, coalesce(sum(clicks), 0)::BIGINT AS clicks
FROM distinct_events WHERE content GROUP BY ALL
-- name: found
SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id, kind,
       sum(events)::bigint AS events, sum(clicks)::bigint AS clicks
FROM course_activity_day GROUP BY 1, 2, 3, 4 HAVING (sum(events), sum(clicks)) <> (0, 0)
