-- What the LMS writes with an event; an event that is not named here has no row of its own.

-- name: user_created
INSERT INTO users (id, email, name, role, status, institution_id)
VALUES (%(user_id)s::text::uuid, concat(%(user_id)s::text, '@sealed.invalid'), 'sealed', %(role)s, %(status)s,
        %(institution_id)s)

-- name: course_created
INSERT INTO courses (id, title, instructor_id, created_by, status, institution_id)
VALUES (%(course_id)s, 'A course', %(instructor_id)s, %(instructor_id)s, 'published',
        %(institution_id)s)

-- name: item
INSERT INTO content_items (id, course_id, kind, title, position, institution_id)
VALUES (%(item_id)s, %(course_id)s, %(kind)s, 'An item', %(position)s, %(institution_id)s)

-- name: assessment_created
INSERT INTO assessments (id, course_id, kind, title, due_at, weight, pass_score, institution_id)
VALUES (%(assessment_id)s, %(course_id)s, %(kind)s, 'Work', %(due_at)s, %(weight)s,
        %(pass_score)s, %(institution_id)s)

-- name: enrollment_created
INSERT INTO enrollments (id, user_id, course_id, created_at, institution_id)
VALUES (%(enrollment_id)s, %(user_id)s, %(course_id)s, %(at)s, %(institution_id)s)

-- name: content
INSERT INTO content_views (id, user_id, course_id, item_id, event_type, kind, clicks, occurred_at,
                           institution_id)
VALUES (%(event_id)s, %(user_id)s, %(course_id)s, %(item_id)s, %(event_type)s, %(kind)s,
        %(clicks)s, %(at)s, %(institution_id)s)

-- name: assessment_submitted
INSERT INTO submissions (id, assessment_id, user_id, course_id, submitted_at, attempt, late,
                         institution_id)
VALUES (%(submission_id)s, %(assessment_id)s, %(user_id)s, %(course_id)s, %(at)s, %(attempt)s,
        %(late)s, %(institution_id)s)

-- name: assessment_graded
UPDATE submissions SET score = %(score)s, passed = %(passed)s, graded_at = %(at)s
WHERE id = %(submission_id)s

-- name: enrollment_dropped
UPDATE enrollments SET status = 'dropped', dropped_at = %(at)s WHERE id = %(enrollment_id)s

-- name: course_completed
UPDATE enrollments SET status = 'completed', completed_at = %(at)s, progress = 100
WHERE id = %(enrollment_id)s
