-- name: facts_of_course
SELECT id::text AS course_id, title AS course FROM courses
WHERE id = %(course_id)s AND institution_id = %(institution_id)s

-- name: facts_of_assessment
SELECT assessment.id::text AS assessment_id, assessment.title AS assessment,
       course.id::text AS course_id, course.title AS course
FROM assessments AS assessment JOIN courses AS course ON course.id = assessment.course_id
WHERE assessment.id = %(assessment_id)s AND assessment.institution_id = %(institution_id)s

-- name: code_of_certificate
SELECT code FROM certificates WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: waited
SELECT id FROM waitlist WHERE id = %(enrollment_id)s AND institution_id = %(institution_id)s

-- name: person
SELECT status, erased_at IS NOT NULL AS erased FROM users
WHERE id = %(user_id)s AND institution_id = %(institution_id)s

-- name: decided
SELECT kind, channel, enabled FROM notification_preferences
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: insert
-- No row: it is there already.
INSERT INTO notifications (id, user_id, kind, event_id, facts, institution_id)
VALUES (%(id)s, %(user_id)s, %(kind)s, %(event_id)s, %(facts)s, %(institution_id)s)
ON CONFLICT (id) DO NOTHING

-- name: insert_delivery
INSERT INTO notification_deliveries
    (id, notification_id, channel, target, status, ended_at, reason, institution_id)
VALUES (%(id)s, %(notification_id)s, %(channel)s, %(target)s, %(status)s::text,
        CASE WHEN %(status)s::text = 'pending' THEN NULL ELSE now() END, %(reason)s, %(institution_id)s)
ON CONFLICT DO NOTHING

-- name: claim
SELECT delivery_id::text AS id, institution::text AS institution_id, attempt,
       person::text AS user_id
FROM claim_deliveries(%(most)s, make_interval(secs => %(lease_s)s))
ORDER BY since, delivery_id

-- name: delivery
-- What a claimed delivery is about, its lease begun anew: it may have waited for others of the same
-- person. No row: it has ended, or another sender has claimed it since.
WITH delivery AS (
    UPDATE notification_deliveries SET next_try_at = now() + make_interval(secs => %(lease_s)s)
    WHERE id = %(id)s AND attempts = %(attempt)s AND status = 'pending'
    RETURNING notification_id, channel, target
)
SELECT delivery.channel, delivery.target, notification.id::text AS notification_id, notification.kind, notification.facts,
       notification.user_id::text AS user_id, notification.created_at
FROM delivery JOIN notifications AS notification ON notification.id = delivery.notification_id

-- name: end_delivery
-- No row: it was not ours to end any more.
UPDATE notification_deliveries
SET status = %(status)s, reason = %(reason)s, ended_at = now()
WHERE id = %(id)s AND attempts = %(attempt)s AND status = 'pending'

-- name: later
UPDATE notification_deliveries
SET next_try_at = now() + make_interval(secs => %(wait_s)s), reason = %(reason)s
WHERE id = %(id)s AND attempts = %(attempt)s AND status = 'pending'

-- name: unnumbered
SELECT id FROM notifications WHERE id = %(id)s AND number IS NULL FOR UPDATE

-- name: next_number
INSERT INTO notification_lists (user_id, last_number, institution_id)
VALUES (%(user_id)s, 1, %(institution_id)s)
ON CONFLICT (user_id) DO UPDATE SET last_number = notification_lists.last_number + 1
RETURNING last_number

-- name: appear
UPDATE notifications SET number = %(number)s WHERE id = %(id)s

-- name: newest
SELECT {notification} FROM notifications
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s AND number IS NOT NULL
  AND (NOT %(unread)s OR read_at IS NULL)
  AND (%(before)s::int IS NULL OR number < %(before)s::int)
ORDER BY number DESC
LIMIT %(rows)s

-- name: after
SELECT {notification} FROM notifications
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s AND number > %(number)s
ORDER BY number
LIMIT %(rows)s

-- name: standing
SELECT coalesce((SELECT last_number FROM notification_lists WHERE user_id = %(user_id)s), 0) AS last,
       (SELECT count(*) FROM notifications
        WHERE user_id = %(user_id)s AND number IS NOT NULL AND read_at IS NULL) AS unread

-- name: read_one
UPDATE notifications SET read_at = coalesce(read_at, now())
WHERE id = %(id)s AND user_id = %(user_id)s AND institution_id = %(institution_id)s
  AND number IS NOT NULL
RETURNING {notification}

-- name: read_up_to
UPDATE notifications SET read_at = now()
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s AND read_at IS NULL
  AND number <= %(up_to)s

-- name: decide
INSERT INTO notification_preferences (user_id, kind, channel, enabled, institution_id)
VALUES (%(user_id)s, %(kind)s, %(channel)s, %(enabled)s, %(institution_id)s)
ON CONFLICT (user_id, kind, channel)
    DO UPDATE SET enabled = EXCLUDED.enabled, updated_at = now()

-- name: lock_person
-- Two changes of the same person's preferences happen one after the other.
SELECT id FROM users WHERE id = %(user_id)s AND institution_id = %(institution_id)s FOR UPDATE

-- name: data_key
SELECT wrapped_key FROM person_keys
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: subscribe
-- A browser that changes hands belongs to whoever subscribed last.
INSERT INTO push_subscriptions (id, user_id, sealed, endpoint_index, institution_id)
VALUES (%(id)s, %(user_id)s, %(sealed)s, %(endpoint_index)s, %(institution_id)s)
ON CONFLICT (institution_id, endpoint_index)
    DO UPDATE SET user_id = EXCLUDED.user_id, sealed = EXCLUDED.sealed, created_at = now()
RETURNING {browser}

-- name: subscriptions
SELECT {browser} FROM push_subscriptions
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s
ORDER BY created_at, id

-- name: subscription
SELECT {browser} FROM push_subscriptions
WHERE id = %(id)s AND user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: unsubscribe_push
DELETE FROM push_subscriptions
WHERE id = %(id)s AND user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: delete_old
SELECT delete_old_notifications(make_interval(days => %(days)s), %(most)s) AS deleted

-- name: forget_lists
DELETE FROM notification_lists WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: forget_notifications
DELETE FROM notifications WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: forget_preferences
DELETE FROM notification_preferences
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: forget_subscriptions
DELETE FROM push_subscriptions
WHERE user_id = %(user_id)s AND institution_id = %(institution_id)s

-- name: open_invitation
SELECT id FROM invitations
WHERE id = %(invitation_id)s AND institution_id = %(institution_id)s AND status = 'open'
