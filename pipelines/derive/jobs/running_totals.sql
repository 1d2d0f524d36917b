-- Totals that grow, and the newest by the events' own time: of equal moments the greatest item,
-- then the greatest course, so that no order of arrival decides. An event ahead of our clock
-- (`new_events` keeps its producer) is counted and is nobody's newest.
INSERT INTO learner_totals AS t (user_id, institution_id, events, clicks, ahead, last_item_id,
    last_course_id, last_seen_at)
SELECT user_id, institution_id, min(n), min(of_clicks), min(of_ahead),
       -- Arrays compare element by element.
       (max(ARRAY[item_id, course_id]))[1], (max(ARRAY[item_id, course_id]))[2], min(newest_at)
FROM (SELECT user_id, institution_id, sum(events) AS n, sum(clicks) AS of_clicks,
             sum(ahead) AS of_ahead, max(newest_at) AS newest_at
      FROM learner_minute GROUP BY 1, 2) AS sums
LEFT JOIN (SELECT user_id, institution_id, at AS newest_at, item_id, course_id
           FROM new_events WHERE content AND source_service IS NULL) AS newest
    USING (user_id, institution_id, newest_at)
GROUP BY user_id, institution_id
ON CONFLICT (user_id, institution_id) DO UPDATE SET
    events = t.events + EXCLUDED.events,
    clicks = t.clicks + EXCLUDED.clicks,
    ahead = t.ahead + EXCLUDED.ahead,
    (last_item_id, last_course_id, last_seen_at) = (
        SELECT item_id, course_id, at
        FROM (VALUES (t.last_item_id, t.last_course_id, t.last_seen_at),
                     (EXCLUDED.last_item_id, EXCLUDED.last_course_id, EXCLUDED.last_seen_at))
             AS newest (item_id, course_id, at)
        ORDER BY at DESC NULLS LAST, item_id DESC, course_id DESC LIMIT 1);

INSERT INTO learner_totals_due (entity_id, institution_id)
SELECT user_id, institution_id FROM learner_minute GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT DO NOTHING;

INSERT INTO item_totals AS t (item_id, institution_id, views, clicks, ahead, last_viewed_at)
SELECT item_id, institution_id, views, clicks, ahead, last_viewed_at FROM item_delta WHERE views > 0
ON CONFLICT (item_id, institution_id) DO UPDATE SET
    views = t.views + EXCLUDED.views,
    clicks = t.clicks + EXCLUDED.clicks,
    ahead = t.ahead + EXCLUDED.ahead,
    last_viewed_at = greatest(t.last_viewed_at, EXCLUDED.last_viewed_at);

INSERT INTO item_totals_due (entity_id, institution_id)
SELECT item_id, institution_id FROM item_delta WHERE views > 0 ORDER BY 1, 2
ON CONFLICT DO NOTHING;
