-- Un-windowed partial sums per course and day, as course_activity: each event counts on its own day.

INSERT INTO enrollment_activity
SELECT institution_id, course_id, day_at, part,
       SUM(CASE WHEN event_type = 'enrollment.created' THEN weight ELSE 0 END),
       SUM(CASE WHEN event_type = 'course.completed' THEN weight ELSE 0 END),
       SUM(CASE WHEN event_type = 'enrollment.dropped' THEN weight ELSE 0 END)
FROM (SELECT SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS day_at, * FROM enrollments_events
      WHERE event_type IN ('enrollment.created', 'course.completed', 'enrollment.dropped'))
GROUP BY institution_id, course_id, day_at, part;
