-- name: generation
SELECT coalesce(max(generation), 0) FROM job_starts WHERE job = 'course_activity'

-- name: sums
SELECT institution_id::text, course_id::text, bucket_at, kind, part, events
FROM course_activity_minute WHERE bucket_at >= %(since)s AND bucket_at <= %(until)s

-- name: learners
-- An hour's tile may hold a last moment of a clock that is ahead.
SELECT institution_id::text, course_id::text, user_id::text, least(last_at, %(now)s)
FROM learner_tiles
WHERE hour_at >= %(since)s - INTERVAL '1 hour' AND hour_at <= %(now)s AND last_at >= %(since)s
