-- What one learner did last, on content, work and recommendations they followed.
SELECT event_id, timestamp AS at, event_type, course_id, item_id, kind
FROM activity_events
WHERE user_id = %(learner_id)s
  AND event_type NOT IN ('recommendation.shown', 'enrollment.progressed', 'user.created')
ORDER BY timestamp DESC, event_id
LIMIT 12;
