-- Items by day: what new events add, and which learners are new to the item that day.
INSERT INTO item_engagement AS t (bucket_at, institution_id, course_id, item_id, kind, views,
    clicks, learners, completions, finishers)
SELECT n.bucket_at, n.institution_id, n.course_id, n.item_id, max(kind), sum(views), sum(clicks),
       count(*) FILTER (WHERE b.user_id IS NULL), sum(completions),
       count(*) FILTER (WHERE completions > 0 AND b.finished IS NOT TRUE)
FROM (
    SELECT user_id, item_id, course_id, institution_id, date_bin('1 day', at, 'epoch') AS bucket_at,
           max(kind) AS kind, coalesce(sum(clicks), 0) AS clicks,
           count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
           count(*) FILTER (WHERE event_type = 'content.completed') AS completions
    FROM fresh WHERE content GROUP BY 1, 2, 3, 4, 5
) AS n
LEFT JOIN item_before b
    ON b.user_id = n.user_id AND b.item_id = n.item_id AND b.bucket_at = n.bucket_at
    AND b.course_id = n.course_id AND b.institution_id = n.institution_id
GROUP BY 1, 2, 3, 4
ON CONFLICT (bucket_at, institution_id, course_id, item_id) DO UPDATE SET
    kind = greatest(t.kind, EXCLUDED.kind),
    views = t.views + EXCLUDED.views,
    clicks = t.clicks + EXCLUDED.clicks,
    learners = t.learners + EXCLUDED.learners,
    completions = t.completions + EXCLUDED.completions,
    finishers = t.finishers + EXCLUDED.finishers;
