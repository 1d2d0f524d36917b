-- name: enrollment
SELECT enrollment.status, enrollment.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN enrollment.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = enrollment.user_id AND verified_at IS NOT NULL
    ) THEN 'guardian' END,
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM enrollments AS enrollment
JOIN courses AS course ON course.id = enrollment.course_id
WHERE enrollment.id = %(enrollment_id)s AND enrollment.institution_id = %(institution_id)s

-- name: invitation
SELECT invitation.status, invitation.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN invitation.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = invitation.user_id
          AND verified_at IS NOT NULL
    ) THEN 'guardian' END,
    CASE WHEN course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id)
         THEN 'instructor' END
], NULL) AS relations
FROM invitations AS invitation
JOIN courses AS course ON course.id = invitation.course_id
WHERE invitation.id = %(invitation_id)s AND invitation.institution_id = %(institution_id)s
