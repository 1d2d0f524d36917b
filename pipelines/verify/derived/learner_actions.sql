-- The learners' own actions in order, each with the time to the next and its session's number.
SELECT *, sum(begins::INT) OVER (PARTITION BY institution_id, user_id ORDER BY moment, event_id) AS nth
FROM (SELECT *,
             coalesce(moment > lag(moment) OVER w + to_minutes(getvariable('gap')), true) AS begins,
             CASE WHEN lead(moment) OVER w <= moment + to_minutes(getvariable('gap'))
                  THEN round(date_diff('microsecond', moment, lead(moment) OVER w) / 1000)::BIGINT
                  ELSE 0 END AS step_ms
      FROM distinct_events WHERE own_action
      WINDOW w AS (PARTITION BY institution_id, user_id ORDER BY moment, event_id))
