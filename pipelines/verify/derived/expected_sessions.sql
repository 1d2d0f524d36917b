SELECT user_id, min(moment) AS started_at, max(moment) AS ended_at, institution_id, count(*) AS events,
       nullif(array_to_string(list_sort(list(DISTINCT device) FILTER (WHERE device IS NOT NULL)), ','), '')
           AS devices,
       round(date_diff('microsecond', min(moment), max(moment)) / 1000)::BIGINT AS duration_ms
FROM learner_actions GROUP BY institution_id, user_id, nth
