-- Items by day: what new events add, and which learners are new to the item that day. What they did
-- with it before goes through the same sums: for a join, each new row would be hashed once more.
INSERT INTO item_engagement AS t (bucket_at, institution_id, course_id, item_id, kind, views,
    clicks, learners, completions, finishers)
SELECT bucket_at, institution_id, course_id, item_id, max(kind), sum(views), sum(clicks),
       count(*) FILTER (WHERE finished_before IS NULL), sum(completions),
       count(*) FILTER (WHERE completions > 0 AND finished_before IS NOT TRUE)
FROM (
    SELECT user_id, item_id, course_id, institution_id, bucket_at, max(kind) AS kind,
           coalesce(sum(clicks), 0) AS clicks, count(*) FILTER (WHERE viewed) AS views,
           count(*) FILTER (WHERE completed) AS completions, bool_or(finished) AS finished_before
    FROM (
        SELECT user_id, item_id, course_id, institution_id,
               date_bin('1 day', at, 'epoch') AS bucket_at, kind, clicks, viewed, completed,
               NULL AS finished
        FROM new_events WHERE content
        UNION ALL
        SELECT user_id, item_id, course_id, institution_id, bucket_at, NULL, NULL, NULL, NULL,
               finished
        FROM item_before
    ) AS before_and_new
    GROUP BY 1, 2, 3, 4, 5 HAVING count(viewed) > 0
) AS of_learner
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (bucket_at, institution_id, course_id, item_id) DO UPDATE SET
    kind = greatest(t.kind, EXCLUDED.kind),
    views = t.views + EXCLUDED.views,
    clicks = t.clicks + EXCLUDED.clicks,
    learners = t.learners + EXCLUDED.learners,
    completions = t.completions + EXCLUDED.completions,
    finishers = t.finishers + EXCLUDED.finishers;
