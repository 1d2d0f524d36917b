-- Distinct learners: who had no event in the bucket before this step. The first and the last event of
-- the learner's day say so; for a bucket in between, the archive does.
INSERT INTO course_learners_{grain} AS t (bucket_at, institution_id, course_id, learners,
    time_on_task_ms)
SELECT bucket_at, institution_id, course_id, sum(learners), sum(ms)
FROM (
    SELECT n.bucket_at, n.institution_id, n.course_id, 0 AS ms,
           count(*) FILTER (WHERE CASE
               WHEN b.user_id IS NULL OR b.last_at < n.bucket_at OR b.first_at >= until_at THEN true
               WHEN b.last_at < until_at OR b.first_at >= n.bucket_at THEN false
               ELSE NOT EXISTS (
                   SELECT FROM activity_events e
                   WHERE e.user_id = n.user_id
                     AND e.timestamp >= n.bucket_at AND e.timestamp < until_at
                     AND e.course_id = n.course_id AND e.institution_id = n.institution_id
                     AND e.topic = 'lms.content.events' AND e.batch_no + 0 <= %(done)s)
           END) AS learners
    FROM (
        SELECT user_id, institution_id, course_id,
               date_bin('1 {grain}', minute_at, 'epoch') AS bucket_at
        FROM learner_minute {group}
    ) AS n
    CROSS JOIN LATERAL (SELECT n.bucket_at + INTERVAL '{span}' AS until_at) AS bucket
    LEFT JOIN day_before b
        ON b.user_id = n.user_id AND b.course_id = n.course_id
        AND b.institution_id = n.institution_id
        AND b.bucket_at = date_bin('1 day', n.bucket_at, 'epoch')
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT date_bin('1 {grain}', at, 'epoch'), institution_id, course_id, sum(ms), 0
    FROM time_delta GROUP BY 1, 2, 3
) AS added
GROUP BY 1, 2, 3 HAVING (sum(learners), sum(ms)) <> (0, 0)
ON CONFLICT (bucket_at, institution_id, course_id) DO UPDATE SET
    learners = t.learners + EXCLUDED.learners,
    time_on_task_ms = t.time_on_task_ms + EXCLUDED.time_on_task_ms;
