-- Courses as the derived tables have them now, in the columns of known_course.sql.
-- name: learners
WITH enrolled AS (
    SELECT user_id, institution_id, enrolled_at
    FROM learner_course
    WHERE course_id = %(course_id)s AND enrolled_at IS NOT NULL
      AND (dropped_at IS NULL OR last_enrolled_at > dropped_at)
), opened AS (
    SELECT user_id, item_id
    FROM enrolled JOIN learner_item USING (user_id, institution_id)
    WHERE course_id = %(course_id)s
), submitted AS (
    SELECT user_id, array_agg(DISTINCT assessment_id::text) AS assessments
    FROM enrolled JOIN learner_submission USING (user_id)
    WHERE course_id = %(course_id)s AND submitted_at IS NOT NULL
    GROUP BY user_id
)
SELECT user_id::text, institution_id::text, (extract(epoch FROM enrolled_at) * 1000000)::bigint,
       coalesce(count, 0), coalesce(assessments, '{}'),
       (SELECT count(DISTINCT item_id) FROM opened)
FROM enrolled
LEFT JOIN (SELECT user_id, count(*) FROM opened GROUP BY 1) AS counted USING (user_id)
LEFT JOIN submitted USING (user_id)

-- name: due
SELECT assessment_id::text, (extract(epoch FROM due_at) * 1000000)::bigint
FROM assessment_set LEFT JOIN assessment_dim USING (assessment_id)
WHERE assessment_set.course_id = %(course_id)s AND due_at IS NOT NULL
  AND status IS DISTINCT FROM 'archived'

-- name: dropped
SELECT user_id::text FROM learner_course
WHERE course_id = %(course_id)s AND last_enrolled_at <= dropped_at

-- name: position
SELECT coalesce(max(done_batch_no), 0) FROM derive_position

-- name: all
SELECT DISTINCT course_id::text FROM learner_course

-- name: changed
SELECT DISTINCT course_id::text FROM activity_events
WHERE batch_no > %(since)s AND batch_no <= %(upto)s AND course_id IS NOT NULL
