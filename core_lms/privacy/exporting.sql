-- What the analytical database has of one learner, as its readers see it (pipelines/readers.sql).
-- name: scope
SELECT set_config('role', 'learnstream_seen_learner', true),
       set_config('search_path', 'seen_learner, public', true),
       set_config('statement_timeout', '0', true),
       set_config('idle_in_transaction_session_timeout', '0', true),
       set_config('learnstream.institution_id', %(institution_id)s, true),
       set_config('learnstream.user_id', %(user_id)s, true)

-- name: views
SELECT relname FROM pg_class
WHERE relnamespace = 'seen_learner'::regnamespace AND relkind = 'v' ORDER BY relname

-- name: feature_views
SELECT DISTINCT feature_view FROM public.my_features() ORDER BY 1

-- name: features
SELECT row AS one FROM public.my_features() WHERE feature_view = %(view)s

-- Each offer with the score that the model gave and the reason that the learner was shown.
-- name: offers
SELECT offer.*, shown.payload ->> 'reason' AS reason,
       (shown.payload ->> 'score')::float8 AS score,
       (shown.payload ->> 'propensity')::float8 AS propensity
FROM recommendation_offer AS offer
LEFT JOIN activity_events AS shown
    ON shown.event_type = 'recommendation.shown' AND shown.timestamp = offer.shown_at
    AND shown.item_id = offer.item_id
    AND shown.payload ->> 'recommendation_id' = offer.recommendation_id::text
