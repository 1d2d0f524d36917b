-- name: insert
INSERT INTO enrollments (id, institution_id, user_id, course_id, created_at)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(course_id)s, %(created_at)s)
RETURNING *

-- name: get
SELECT * FROM enrollments WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock
SELECT * FROM enrollments WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: lock_of_learner
-- The enrollment that counts: the one that was not dropped, else the one dropped last.
SELECT * FROM enrollments
WHERE user_id = %(user_id)s AND course_id = %(course_id)s AND institution_id = %(institution_id)s
ORDER BY status = 'dropped', created_at DESC
LIMIT 1
FOR NO KEY UPDATE

-- name: of_course
SELECT * FROM enrollments
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: of_user
SELECT * FROM enrollments
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: drop
UPDATE enrollments SET status = 'dropped', dropped_at = %(at)s WHERE id = %(id)s RETURNING *

-- name: required_work
-- Required items and assessments of a course, and how many of them this learner has done.
SELECT items.total + work.total AS total, items.done + work.done AS done
FROM (
    SELECT count(*) AS total, count(completion.user_id) AS done
    FROM content_items AS item
    LEFT JOIN content_completions AS completion
           ON completion.item_id = item.id AND completion.user_id = %(user_id)s
    WHERE item.course_id = %(course_id)s AND item.required
) AS items, (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM submissions AS submission
               WHERE submission.assessment_id = assessment.id
                 AND submission.user_id = %(user_id)s
           )) AS done
    FROM assessments AS assessment
    WHERE assessment.course_id = %(course_id)s AND assessment.required
) AS work

-- name: set_progress
UPDATE enrollments
SET progress = %(progress)s,
    status = CASE WHEN %(complete)s THEN 'completed' ELSE status END,
    completed_at = CASE WHEN %(complete)s THEN %(at)s::timestamptz ELSE completed_at END
WHERE id = %(id)s
RETURNING *

-- name: time_spent
-- Minutes between interactions that follow each other within half an hour: a longer gap is a pause.
SELECT floor(coalesce(extract(epoch FROM sum(gap) FILTER (WHERE gap <= interval '30 minutes')), 0)
             / 60)::int AS minutes
FROM (
    SELECT occurred_at - lag(occurred_at) OVER (ORDER BY occurred_at) AS gap
    FROM content_views
    WHERE user_id = %(user_id)s AND course_id = %(course_id)s
) AS gaps
