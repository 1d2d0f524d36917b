-- title: From enrolling to completing
-- question: Where do learners of each course get lost?
-- picture: table
-- unit: learners
-- order: 10
-- size: 8
-- label course_id: course
-- label to_first_activity: median time to the first activity
-- unit to_first_activity: seconds
-- label to_completion: median time to completion
-- unit to_completion: seconds
-- note: Started is whoever did anything in the course; medians are over those who got there.
-- empty: Nobody has enrolled yet. Load some learners: ./learnstream demo
SELECT f.course_id, sum(f.enrolled)::bigint AS enrolled, sum(f.started)::bigint AS started,
       sum(f.completed)::bigint AS completed, sum(f.dropped)::bigint AS dropped,
       max(t.median_seconds_to_first_activity) AS to_first_activity,
       max(t.median_seconds_to_completion) AS to_completion
FROM enrollment_funnel f
LEFT JOIN enrollment_times t USING (institution_id, course_id)
GROUP BY f.course_id
ORDER BY enrolled DESC, f.course_id
LIMIT 12;
