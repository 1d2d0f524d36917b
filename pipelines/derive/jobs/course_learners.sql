-- Distinct learners: who was not there in the bucket before this step; hours and days from minutes.

INSERT INTO course_learners_minute AS t (bucket_at, institution_id, course_id, learners,
    time_on_task_ms, events)
SELECT bucket_at, institution_id, course_id, sum(learners), sum(ms), sum(events)
FROM (
    SELECT bucket_at, institution_id, course_id, count(*) FILTER (WHERE novel) AS learners,
           0 AS ms, sum(events) AS events
    FROM (SELECT minute_at AS bucket_at, institution_id, course_id, user_id, events, novel
          FROM learner_minute) AS present
    GROUP BY 1, 2, 3 HAVING sum(events) > 0
    UNION ALL
    SELECT date_bin('1 minute', at, 'epoch'), institution_id, course_id, 0, sum(ms), 0
    FROM time_step GROUP BY 1, 2, 3
) AS added
GROUP BY 1, 2, 3
ON CONFLICT (bucket_at, institution_id, course_id) DO UPDATE SET
    learners = t.learners + EXCLUDED.learners,
    time_on_task_ms = t.time_on_task_ms + EXCLUDED.time_on_task_ms,
    events = t.events + EXCLUDED.events;

INSERT INTO course_learners_hour AS t (bucket_at, institution_id, course_id, learners,
    time_on_task_ms, events)
SELECT bucket_at, institution_id, course_id, sum(learners), sum(ms), sum(events)
FROM (
    SELECT bucket_at, institution_id, course_id, count(*) FILTER (WHERE novel) AS learners,
           0 AS ms, sum(events) AS events
    FROM (SELECT date_bin('1 hour', minute_at, 'epoch') AS bucket_at, institution_id, course_id, user_id,
                 sum(events) AS events, bool_and(novel) AS novel
          FROM learner_minute GROUP BY 1, 2, 3, 4) AS present
    GROUP BY 1, 2, 3 HAVING sum(events) > 0
    UNION ALL
    SELECT date_bin('1 hour', at, 'epoch'), institution_id, course_id, 0, sum(ms), 0
    FROM time_step GROUP BY 1, 2, 3
) AS added
GROUP BY 1, 2, 3
ON CONFLICT (bucket_at, institution_id, course_id) DO UPDATE SET
    learners = t.learners + EXCLUDED.learners,
    time_on_task_ms = t.time_on_task_ms + EXCLUDED.time_on_task_ms,
    events = t.events + EXCLUDED.events;

INSERT INTO course_learners_day AS t (bucket_at, institution_id, course_id, learners,
    time_on_task_ms, events)
SELECT bucket_at, institution_id, course_id, sum(learners), sum(ms), sum(events)
FROM (
    SELECT bucket_at, institution_id, course_id, count(*) FILTER (WHERE novel) AS learners,
           0 AS ms, sum(events) AS events
    FROM (SELECT date_bin('1 day', minute_at, 'epoch') AS bucket_at, institution_id, course_id, user_id,
                 sum(events) AS events, bool_and(novel) AS novel
          FROM learner_minute GROUP BY 1, 2, 3, 4) AS present
    GROUP BY 1, 2, 3 HAVING sum(events) > 0
    UNION ALL
    SELECT date_bin('1 day', at, 'epoch'), institution_id, course_id, 0, sum(ms), 0
    FROM time_step GROUP BY 1, 2, 3
) AS added
GROUP BY 1, 2, 3
ON CONFLICT (bucket_at, institution_id, course_id) DO UPDATE SET
    learners = t.learners + EXCLUDED.learners,
    time_on_task_ms = t.time_on_task_ms + EXCLUDED.time_on_task_ms,
    events = t.events + EXCLUDED.events;
