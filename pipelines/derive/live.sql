-- name: recent
-- New events of the last hour: minute, institution, course, learner. A clock may be a little ahead:
-- its events are counted here when their minute comes.
SELECT minute_at, institution_id::text, course_id::text, user_id::text FROM learner_minute
WHERE last_at > now() - INTERVAL '1 hour' AND first_at <= now() + INTERVAL '5 minutes'

-- name: counts
SELECT bucket_at, institution_id::text, course_id::text, events, learners
FROM course_learners_minute
WHERE bucket_at = ANY(%(minutes)s) AND (institution_id, course_id) IN
    (SELECT * FROM unnest(%(institutions)s::uuid[], %(courses)s::uuid[]))

-- name: all_recent
SELECT DISTINCT date_trunc('minute', timestamp), institution_id::text, course_id::text,
       user_id::text
FROM activity_events
WHERE timestamp > now() - INTERVAL '1 hour' AND timestamp <= now() + INTERVAL '5 minutes'
  AND topic = 'lms.content.events' AND batch_no <= %(upto)s
