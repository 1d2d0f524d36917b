-- name: insert
INSERT INTO enrollments (id, institution_id, user_id, course_id, created_at)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(course_id)s, %(created_at)s)

-- name: get
SELECT {enrollment} FROM enrollments WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: entry
-- All that enrolling asks, in one query. The course keeps its status and dates until we commit:
-- enrollments hold it not against each other, only against being changed.
SELECT course.status, course.capacity, course.ends_at,
    (SELECT learner.status FROM users AS learner
     WHERE learner.id = %(user_id)s AND learner.institution_id = %(institution_id)s
       AND learner.erased_at IS NULL) AS user_status,
    EXISTS (SELECT FROM enrollments AS before
            WHERE before.user_id = %(user_id)s AND before.course_id = course.id) AS returning,
    EXISTS (SELECT FROM prices
            WHERE prices.course_id = course.id AND prices.retired_at IS NULL) AS priced,
    ARRAY(SELECT required.requires_course_id::text
          FROM course_prerequisites AS required
          WHERE required.course_id = course.id
            AND NOT EXISTS (SELECT FROM enrollments AS done
                            WHERE done.user_id = %(user_id)s
                              AND done.course_id = required.requires_course_id
                              AND done.status = 'completed')
          ORDER BY 1) AS missing
FROM courses AS course
WHERE course.id = %(course_id)s AND course.institution_id = %(institution_id)s
FOR SHARE OF course

-- name: paid
SELECT id FROM orders
WHERE course_id = %(course_id)s AND user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND status = 'paid'

-- name: lock
SELECT {enrollment.enrollment}, course.capacity
FROM enrollments AS enrollment
JOIN courses AS course ON course.id = enrollment.course_id
WHERE enrollment.id = %(id)s AND enrollment.institution_id = %(institution_id)s
FOR NO KEY UPDATE OF enrollment

-- name: lock_of_learner
-- The enrollment that counts: the one that was not dropped, else the one dropped last.
SELECT {enrollment} FROM enrollments
WHERE user_id = %(user_id)s AND course_id = %(course_id)s AND institution_id = %(institution_id)s
ORDER BY status = 'dropped', created_at DESC
LIMIT 1
FOR NO KEY UPDATE

-- name: of_course
SELECT {enrollment} FROM enrollments
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: of_user
SELECT {enrollment} FROM enrollments
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND (%(taught_by)s::uuid IS NULL OR runs_course(%(taught_by)s, course_id))
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: drop
UPDATE enrollments SET status = 'dropped', dropped_at = %(at)s WHERE id = %(id)s RETURNING {enrollment}

-- name: required_work
-- Required items and assessments of a course, and how many of them this learner has done.
SELECT items.total + work.total AS total, items.done + work.done AS done
FROM (
    SELECT count(*) AS total, count(completion.user_id) AS done
    FROM content_items AS item
    LEFT JOIN content_completions AS completion
           ON completion.item_id = item.id AND completion.user_id = %(user_id)s
    WHERE item.course_id = %(course_id)s AND item.required AND item.archived_at IS NULL
) AS items, (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE CASE WHEN assessment.pass_score IS NULL THEN EXISTS (
               SELECT FROM submissions AS submission
               WHERE submission.assessment_id = assessment.id
                 AND submission.user_id = %(user_id)s
           ) ELSE EXISTS ( -- what has to be passed is done once it is passed
               SELECT FROM assessment_scores AS counted
               WHERE counted.assessment_id = assessment.id
                 AND counted.user_id = %(user_id)s AND counted.passed
           ) END) AS done
    FROM assessments AS assessment
    WHERE assessment.course_id = %(course_id)s AND assessment.required
) AS work

-- name: set_progress
UPDATE enrollments
SET progress = %(progress)s,
    status = CASE WHEN %(complete)s THEN 'completed' ELSE status END,
    completed_at = CASE WHEN %(complete)s THEN %(at)s::timestamptz ELSE completed_at END
WHERE id = %(id)s
RETURNING {enrollment}

-- name: time_spent
-- Minutes between interactions that follow each other within half an hour: a longer gap is a pause.
SELECT floor(coalesce(extract(epoch FROM sum(gap) FILTER (WHERE gap <= interval '30 minutes')), 0)
             / 60)::int AS minutes
FROM (
    SELECT occurred_at - lag(occurred_at) OVER (ORDER BY occurred_at) AS gap
    FROM content_views
    WHERE user_id = %(user_id)s AND course_id = %(course_id)s
) AS gaps

-- name: wait
INSERT INTO waitlist (id, institution_id, user_id, course_id, cohort_id, created_at)
VALUES (%(id)s, %(institution_id)s, %(user_id)s, %(course_id)s, %(cohort_id)s, %(created_at)s)
RETURNING id, institution_id, user_id, course_id, cohort_id, created_at, 'waitlisted' AS status,
          %(position)s::int AS position

-- name: waiting
-- Somebody's place in the queue of a course, from 1.
SELECT entry.id, entry.institution_id, entry.user_id, entry.course_id, entry.cohort_id,
       entry.created_at, 'waitlisted' AS status,
       (SELECT count(*) FROM waitlist AS before
        WHERE before.course_id = entry.course_id AND before.status = 'waiting'
          AND before.place <= entry.place) AS position
FROM waitlist AS entry
WHERE entry.institution_id = %(institution_id)s AND entry.status = 'waiting'
  AND (entry.id = %(id)s OR entry.course_id = %(course_id)s AND entry.user_id = %(user_id)s)

-- name: queue
SELECT * FROM (
    SELECT id, institution_id, user_id, course_id, cohort_id, created_at, 'waitlisted' AS status,
           row_number() OVER (ORDER BY place)::int AS position
    FROM waitlist
    WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
      AND status = 'waiting'
) AS entry
WHERE %(after_first)s::int IS NULL OR position > %(after_first)s::int
ORDER BY position
LIMIT %(rows)s

-- name: stop_waiting
UPDATE waitlist SET status = 'left', ended_at = %(at)s
WHERE course_id = %(course_id)s AND user_id = %(user_id)s
  AND institution_id = %(institution_id)s AND status = 'waiting'
RETURNING id
