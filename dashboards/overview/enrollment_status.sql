-- title: Enrollment status
-- question: How many enrollments are under way, completed, dropped?
-- picture: donut
-- unit: enrollments
-- order: 30
-- size: 4
-- note: The newest status event of each enrollment decides; progress does not change the status.
-- empty: Nobody has enrolled yet. Load learners: ./learnstream demo
WITH newest AS (
    SELECT DISTINCT ON (payload ->> 'enrollment_id') event_type
    FROM activity_events
    WHERE topic = 'lms.enrollments.events' AND event_type <> 'enrollment.progressed'
    ORDER BY payload ->> 'enrollment_id', timestamp DESC, event_type <> 'enrollment.created' DESC
)
SELECT CASE event_type
           WHEN 'enrollment.created' THEN 'under way'
           WHEN 'course.completed' THEN 'completed'
           ELSE 'dropped'
       END AS status,
       count(*) AS enrollments
FROM newest
GROUP BY status
ORDER BY enrollments DESC;
