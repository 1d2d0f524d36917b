-- A span of a video counts for each segment of five seconds it touches, up to twelve hours. Whether
-- a learner watched a segment before is asked of all their spans of that video, on whatever day.
INSERT INTO video_heat AS t (institution_id, item_id, segment, watches, learners)
SELECT institution_id, item_id, segment, sum(watches), count(*) FILTER (WHERE arrived)
FROM (
    SELECT e.institution_id, e.item_id, e.user_id, segment,
           count(*) FILTER (WHERE e.batch_no > %(done)s) AS watches,
           bool_and(e.batch_no > %(done)s) AS arrived
    FROM (SELECT DISTINCT user_id, item_id FROM payload_events
          WHERE event_type = 'video.watched') AS w
    JOIN activity_events e ON e.user_id = w.user_id AND e.item_id = w.item_id
         AND e.event_type = 'video.watched' AND e.batch_no + 0 <= %(upto)s,
    LATERAL (SELECT least((e.payload ->> 'from_s')::float8, 43200) AS from_s,
                    least((e.payload ->> 'to_s')::float8, 43200) AS to_s) AS span,
    LATERAL generate_series(floor(from_s / 5)::int, ceil(to_s / 5)::int - 1) AS segment
    WHERE to_s > from_s
    GROUP BY 1, 2, 3, 4
) AS of_learner
WHERE watches > 0
GROUP BY 1, 2, 3
ON CONFLICT (item_id, segment, institution_id) DO UPDATE SET
    watches = t.watches + EXCLUDED.watches, learners = t.learners + EXCLUDED.learners;
