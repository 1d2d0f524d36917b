-- name: enrollment.created
SELECT FROM enrollments
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s

-- name: enrollment.progressed
SELECT FROM enrollments
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s

-- name: enrollment.dropped
SELECT FROM enrollments
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND dropped_at IS NOT NULL

-- name: course.completed
SELECT FROM enrollments
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND completed_at IS NOT NULL

-- name: enrollment.waitlisted
SELECT FROM waitlist
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s

-- name: enrollment.waitlist.left
SELECT FROM waitlist
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND status = 'left'

-- name: enrollment.invited
SELECT FROM invitations
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s

-- name: enrollment.invitation.declined
SELECT FROM invitations
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND status = 'declined'

-- name: enrollment.invitation.withdrawn
SELECT FROM invitations
WHERE id = %(enrollment_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND status = 'withdrawn'
