-- name: lock
SELECT pg_advisory_xact_lock(%(lock_class)s, hashtext(%(course_id)s))

-- name: state
-- Its own statement after the lock: its snapshot is younger than every seat given before.
SELECT course.capacity,
    (SELECT count(*) FROM enrollments
     WHERE course_id = course.id AND status <> 'dropped') AS taken,
    (SELECT count(*) FROM waitlist WHERE course_id = course.id AND status = 'waiting') AS queue,
    EXISTS (SELECT FROM waitlist WHERE course_id = course.id AND user_id = %(user_id)s
            AND status = 'waiting') AS waiting,
    EXISTS (SELECT FROM enrollments WHERE course_id = course.id AND user_id = %(user_id)s
            AND status <> 'dropped') AS enrolled
FROM courses AS course
WHERE course.id = %(course_id)s AND course.institution_id = %(institution_id)s

-- name: capacity
SELECT capacity FROM courses WHERE id = %(course_id)s AND institution_id = %(institution_id)s

-- name: fill
WITH next AS (
    SELECT entry.id
    FROM waitlist AS entry
    JOIN users AS learner ON learner.id = entry.user_id AND learner.status = 'active'
    WHERE entry.course_id = %(course_id)s AND entry.status = 'waiting'
    ORDER BY entry.place
    LIMIT (SELECT CASE WHEN %(capacity)s::int IS NULL THEN NULL
                       ELSE greatest(%(capacity)s::int - count(*), 0) END
           FROM enrollments WHERE course_id = %(course_id)s AND status <> 'dropped')
), seated AS (
    UPDATE waitlist AS entry SET status = 'enrolled', ended_at = %(at)s
    FROM next WHERE entry.id = next.id
    RETURNING entry.id, entry.institution_id, entry.user_id, entry.course_id, entry.cohort_id,
              entry.place
), enrolled AS (
    INSERT INTO enrollments (id, institution_id, user_id, course_id, created_at)
    SELECT id, institution_id, user_id, course_id, %(at)s FROM seated ORDER BY place
    ON CONFLICT (user_id, course_id) WHERE status <> 'dropped' DO NOTHING
    RETURNING id, user_id
)
SELECT enrolled.id, enrolled.user_id, seated.cohort_id
FROM enrolled JOIN seated ON seated.id = enrolled.id
ORDER BY seated.place

-- name: member_of
SELECT {member} FROM cohort_members
WHERE course_id = %(course_id)s AND user_id = %(user_id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: join
INSERT INTO cohort_members (course_id, user_id, cohort_id, joined_at, institution_id)
VALUES (%(course_id)s, %(user_id)s, %(cohort_id)s, %(at)s, %(institution_id)s)
ON CONFLICT (course_id, user_id) DO UPDATE
SET cohort_id = excluded.cohort_id, joined_at = excluded.joined_at
RETURNING {member}

-- name: leave
DELETE FROM cohort_members
WHERE course_id = %(course_id)s AND user_id = %(user_id)s AND institution_id = %(institution_id)s
RETURNING cohort_id
