-- title: Enrollment status
-- question: How many are under way, completed, dropped?
-- picture: donut
-- unit: enrollments
-- order: 30
-- size: 4
-- span: all that is loaded
-- note: The newest status event of each enrollment decides; progress does not change the status.
-- empty: Nobody has enrolled yet. Load learners: ./learnstream demo
WITH newest AS (
    SELECT DISTINCT ON (payload ->> 'enrollment_id') event_type
    FROM activity_events
    WHERE topic = 'lms.enrollments.events'
      AND event_type IN ('enrollment.created', 'enrollment.dropped', 'course.completed')
    ORDER BY payload ->> 'enrollment_id', timestamp DESC, event_type <> 'enrollment.created' DESC
)
SELECT status, count(*) AS enrollments
FROM newest
JOIN (VALUES ('enrollment.created', 'under way'),
             ('course.completed', 'completed'),
             ('enrollment.dropped', 'dropped')) AS meaning (event_type, status) USING (event_type)
GROUP BY status
ORDER BY array_position(ARRAY['under way', 'completed', 'dropped'], status);
