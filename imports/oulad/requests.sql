-- Held-back days as requests to the LMS: (day, rank within the day, learner, what, path, key, body).
-- The key makes each repeatable. A final result has no path: no learner requests it.
CREATE VIEW request AS
SELECT day, 0 AS rank, user_id, 'account' AS what, '/users' AS path, user_id AS key,
       json_object('email', email_of(role, id_student), 'name', name_of(role, id_student),
                   'role', role, 'profile', profile_of(id_student)) AS body
FROM account ANTI JOIN known USING (user_id)
UNION ALL
SELECT day, 1, user_id, 'enrollment', concat('/courses/', course_id, '/enrollments'),
       enrollment_id, json_object('user_id', user_id, 'occurred_at', midnight(day))
FROM enrollment
UNION ALL
SELECT day, 2, user_id, 'view', concat('/courses/', course_id, '/items/', item_id, '/events'),
       event_id, json_object('event_type', 'content.viewed', 'user_id', user_id,
                             'clicks', clicks, 'occurred_at', midnight(day))
FROM view
UNION ALL
SELECT day, 3, user_id, 'submission', concat('/assessments/', assessment_id, '/submissions'),
       submission_id, json_object('user_id', user_id, 'occurred_at', midnight(day))
FROM submission
UNION ALL
SELECT day, 4, user_id, 'grade', concat('/submissions/', submission_id, '/grade'),
       NULL, json_object('score', score, 'occurred_at', midnight(day))
FROM submission WHERE score IS NOT NULL
UNION ALL
SELECT dropped_day, 5, user_id, 'drop', concat('/enrollments/', enrollment_id, '/drop'),
       NULL, json_object('occurred_at', midnight(dropped_day))
FROM enrollment WHERE dropped_day IS NOT NULL
UNION ALL
SELECT completed_day, 6, user_id, 'result', NULL, enrollment_id, NULL
FROM enrollment WHERE completed_day IS NOT NULL;

-- From now on results are all that is announced without a request.
CREATE OR REPLACE VIEW message AS
SELECT day, topic, event_type, key, value FROM rare_message WHERE event_type = 'course.completed';
