-- about: each offer is right, with what became of it
-- covers: recommendation_offer
-- key: recommendation_id, item_id
-- name: expected
-- A conversion counts within the window after the offer was shown; later ones are nobody's.
SELECT recommendation_id, item_id, institution_id, user_id, "position", course_id, source, model, arm,
       shown_at, clicked_at, dismissed_at,
       CASE WHEN least(converted_at, finished_at) <= shown_at + to_days(getvariable('feedback_days'))
            THEN least(converted_at, finished_at) END AS converted_at
FROM (SELECT payload.recommendation_id::UUID AS recommendation_id, item_id,
             min(institution_id) AS institution_id, min(user_id) AS user_id,
             min(payload."position")::INTEGER AS "position", min(course_id) AS course_id,
             min(payload.source) FILTER (WHERE event_type = 'recommendation.shown') AS source,
             min(payload.model) FILTER (WHERE event_type = 'recommendation.shown') AS model,
             min(payload.arm) FILTER (WHERE event_type = 'recommendation.shown') AS arm,
             min(moment) FILTER (WHERE event_type = 'recommendation.shown') AS shown_at,
             min(moment) FILTER (WHERE event_type = 'recommendation.clicked') AS clicked_at,
             min(moment) FILTER (WHERE event_type = 'recommendation.dismissed') AS dismissed_at,
             min(moment) FILTER (WHERE event_type = 'recommendation.converted') AS converted_at
      FROM distinct_payloads WHERE event_type LIKE 'recommendation.%' GROUP BY 1, 2) AS o
LEFT JOIN LATERAL (
    SELECT min(e.moment) AS finished_at FROM distinct_events e
    WHERE e.event_type = 'content.completed' AND e.user_id = o.user_id AND e.item_id = o.item_id
      AND e.institution_id = o.institution_id
      AND e.moment BETWEEN o.shown_at AND o.shown_at + to_days(getvariable('feedback_days'))) AS f
    ON true
-- name: found
SELECT recommendation_id, item_id, institution_id, user_id, position, course_id, source, model, arm,
       shown_at AT TIME ZONE 'UTC' AS shown_at, clicked_at AT TIME ZONE 'UTC' AS clicked_at,
       dismissed_at AT TIME ZONE 'UTC' AS dismissed_at,
       CASE WHEN converted_at <= shown_at + make_interval(days => {feedback_days})
            THEN converted_at AT TIME ZONE 'UTC' END AS converted_at
FROM recommendation_offer
