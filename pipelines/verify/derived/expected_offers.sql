SELECT date_trunc('day', shown_at)::TIMESTAMP AS bucket_at, institution_id, arm, model, source,
       "position", count(*) AS impressions,
       count(*) FILTER (WHERE clicked_at <= shown_at + window_) AS clicks,
       count(*) FILTER (WHERE dismissed_at <= shown_at + window_) AS dismissals,
       count(*) FILTER (WHERE converted_at <= shown_at + window_ OR EXISTS (
           FROM distinct_events e WHERE e.event_type = 'content.completed' AND e.user_id = o.user_id
             AND e.item_id = o.item_id AND e.institution_id = o.institution_id
             AND e.moment BETWEEN o.shown_at AND o.shown_at + window_)) AS conversions
FROM (SELECT payload.recommendation_id AS recommendation_id, item_id,
             min(institution_id) AS institution_id, min(user_id) AS user_id,
             min(payload."position")::INTEGER AS "position",
             min(payload.arm) FILTER (WHERE event_type = 'recommendation.shown') AS arm,
             min(payload.model) FILTER (WHERE event_type = 'recommendation.shown') AS model,
             min(payload.source) FILTER (WHERE event_type = 'recommendation.shown') AS source,
             min(moment) FILTER (WHERE event_type = 'recommendation.shown') AS shown_at,
             min(moment) FILTER (WHERE event_type = 'recommendation.clicked') AS clicked_at,
             min(moment) FILTER (WHERE event_type = 'recommendation.dismissed') AS dismissed_at,
             min(moment) FILTER (WHERE event_type = 'recommendation.converted') AS converted_at,
             to_days(getvariable('feedback_days')) AS window_
      FROM distinct_payloads WHERE event_type LIKE 'recommendation.%'
      GROUP BY 1, 2) AS o
WHERE shown_at IS NOT NULL GROUP BY ALL
