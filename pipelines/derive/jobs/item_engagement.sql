-- Items by day: which learners are new to the item that day, and which complete it for the first time.
-- What they did with it before goes through the same groups: for a join, each new row would be hashed
-- once more.
INSERT INTO item_engagement AS t (bucket_at, institution_id, course_id, item_id, kind, learners,
    finishers)
SELECT bucket_at, institution_id, course_id, item_id, max(kind),
       count(*) FILTER (WHERE finished_before IS NULL),
       count(*) FILTER (WHERE finished AND finished_before IS NOT TRUE)
FROM (
    SELECT user_id, item_id, course_id, institution_id, bucket_at, max(kind) AS kind,
           bool_or(completed) AS finished, bool_or(finished) AS finished_before
    FROM (
        SELECT user_id, item_id, course_id, institution_id,
               date_bin('1 day', at, 'epoch') AS bucket_at, kind, completed, NULL AS finished
        FROM new_events WHERE content
        UNION ALL
        SELECT user_id, item_id, course_id, institution_id, bucket_at, NULL, NULL, finished
        FROM item_before
    ) AS before_and_new
    GROUP BY 1, 2, 3, 4, 5 HAVING count(completed) > 0
) AS of_learner
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (bucket_at, institution_id, course_id, item_id) DO UPDATE SET
    kind = greatest(t.kind, EXCLUDED.kind),
    learners = t.learners + EXCLUDED.learners,
    finishers = t.finishers + EXCLUDED.finishers
-- Who is known and did not complete it anew changes nothing: the row is not written again.
WHERE (EXCLUDED.learners, EXCLUDED.finishers) <> (0, 0) OR EXCLUDED.kind > t.kind;
