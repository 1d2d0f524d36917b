-- Items by day: what new events add, and which learners are new to the item that day.
INSERT INTO item_engagement AS t (bucket_at, institution_id, course_id, item_id, kind, views,
    clicks, learners, completions, finishers)
SELECT bucket_at, institution_id, course_id, item_id, max(kind), sum(views), sum(clicks),
       count(*) FILTER (WHERE arrived), sum(completions), count(*) FILTER (WHERE finished)
FROM (
    SELECT date_bin('1 day', at, 'epoch') AS bucket_at, institution_id, course_id, item_id, user_id,
           max(kind) AS kind,
           count(*) FILTER (WHERE fresh AND event_type = 'content.viewed') AS views,
           coalesce(sum(clicks) FILTER (WHERE fresh), 0) AS clicks,
           count(*) FILTER (WHERE fresh AND event_type = 'content.completed') AS completions,
           bool_and(fresh) AS arrived,
           bool_or(event_type = 'content.completed')
               AND NOT bool_or(event_type = 'content.completed' AND NOT fresh) AS finished
    FROM seen WHERE content AND in_day
    GROUP BY 1, 2, 3, 4, 5 HAVING bool_or(fresh)
) AS of_learner
GROUP BY 1, 2, 3, 4
ON CONFLICT (bucket_at, institution_id, course_id, item_id) DO UPDATE SET
    kind = greatest(t.kind, EXCLUDED.kind),
    views = t.views + EXCLUDED.views,
    clicks = t.clicks + EXCLUDED.clicks,
    learners = t.learners + EXCLUDED.learners,
    completions = t.completions + EXCLUDED.completions,
    finishers = t.finishers + EXCLUDED.finishers;
