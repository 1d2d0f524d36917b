-- Offers, and what became of them within the window after they were shown. A click may arrive
-- before the offer it is about: the offer's row waits without shown_at and counts once it has one.
INSERT INTO offer_changed (recommendation_id, item_id)
SELECT DISTINCT (payload ->> 'recommendation_id')::uuid, item_id
FROM payload_events WHERE event_type LIKE 'recommendation.%%'
UNION
SELECT o.recommendation_id, o.item_id
FROM (SELECT user_id, item_id, min(at) AS first_at, max(at) AS last_at FROM new_events
      WHERE event_type = 'content.completed' GROUP BY 1, 2) AS done
JOIN recommendation_offer o USING (user_id, item_id)
WHERE o.shown_at BETWEEN done.first_at - %(window)s::interval AND done.last_at;

INSERT INTO offer_before
SELECT o.* FROM recommendation_offer o JOIN offer_changed USING (recommendation_id, item_id);

INSERT INTO recommendation_offer AS t (recommendation_id, item_id, institution_id, user_id,
    position, course_id, source, model, arm, shown_at, clicked_at, dismissed_at, converted_at)
SELECT (payload ->> 'recommendation_id')::uuid, item_id,
       min(institution_id::text)::uuid, min(user_id::text)::uuid, min((payload ->> 'position')::int),
       min(course_id::text)::uuid,
       -- What was shown decides: a reaction's sender may know less, or something else.
       min(payload ->> 'source') FILTER (WHERE event_type = 'recommendation.shown'),
       min(payload ->> 'model') FILTER (WHERE event_type = 'recommendation.shown'),
       min(payload ->> 'arm') FILTER (WHERE event_type = 'recommendation.shown'),
       min(at) FILTER (WHERE event_type = 'recommendation.shown'),
       min(at) FILTER (WHERE event_type = 'recommendation.clicked'),
       min(at) FILTER (WHERE event_type = 'recommendation.dismissed'),
       min(at) FILTER (WHERE event_type = 'recommendation.converted')
FROM payload_events WHERE event_type LIKE 'recommendation.%%'
GROUP BY 1, 2
ON CONFLICT (recommendation_id, item_id) DO UPDATE SET
    position = least(t.position, EXCLUDED.position),
    course_id = coalesce(t.course_id, EXCLUDED.course_id),
    source = coalesce(t.source, EXCLUDED.source),
    model = coalesce(t.model, EXCLUDED.model),
    arm = coalesce(t.arm, EXCLUDED.arm),
    shown_at = least(t.shown_at, EXCLUDED.shown_at),
    clicked_at = least(t.clicked_at, EXCLUDED.clicked_at),
    dismissed_at = least(t.dismissed_at, EXCLUDED.dismissed_at),
    converted_at = least(t.converted_at, EXCLUDED.converted_at);

-- Completing an item within the window is a conversion, with or without an event that says so.
UPDATE recommendation_offer t SET converted_at = least(t.converted_at, done.at)
FROM (SELECT o.recommendation_id, o.item_id, min(e.timestamp) AS at
      FROM offer_changed
      JOIN recommendation_offer o USING (recommendation_id, item_id)
      JOIN activity_events e ON e.user_id = o.user_id
           AND e.timestamp BETWEEN o.shown_at AND o.shown_at + %(window)s::interval
      WHERE e.item_id = o.item_id AND e.event_type = 'content.completed'
        AND e.institution_id = o.institution_id AND e.batch_no + 0 <= %(upto)s
      GROUP BY 1, 2) AS done
WHERE t.recommendation_id = done.recommendation_id AND t.item_id = done.item_id;

INSERT INTO recommendation_feedback AS t (bucket_at, institution_id, arm, model, source, position,
    impressions, clicks, dismissals, conversions)
SELECT * FROM (
    SELECT date_trunc('day', shown_at), institution_id, arm, model, source, position,
           sum(n) AS impressions,
           coalesce(sum(n) FILTER (
               WHERE clicked_at <= shown_at + %(window)s::interval), 0) AS clicks,
           coalesce(sum(n) FILTER (
               WHERE dismissed_at <= shown_at + %(window)s::interval), 0) AS dismissals,
           coalesce(sum(n) FILTER (
               WHERE converted_at <= shown_at + %(window)s::interval), 0) AS conversions
    FROM (
        SELECT -1 AS n, * FROM offer_before
        UNION ALL
        SELECT 1, o.* FROM recommendation_offer o
        JOIN offer_changed USING (recommendation_id, item_id)
    ) AS before_and_after
    WHERE shown_at IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
) AS added
WHERE (impressions, clicks, dismissals, conversions) <> (0, 0, 0, 0)
ON CONFLICT (bucket_at, institution_id, arm, model, source, position) DO UPDATE SET
    impressions = t.impressions + EXCLUDED.impressions, clicks = t.clicks + EXCLUDED.clicks,
    dismissals = t.dismissals + EXCLUDED.dismissals,
    conversions = t.conversions + EXCLUDED.conversions;

DELETE FROM recommendation_feedback
WHERE impressions = 0
  AND bucket_at IN (SELECT DISTINCT date_trunc('day', shown_at) FROM offer_before);
