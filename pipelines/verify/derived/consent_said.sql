-- What people said about the purposes of features: the newest word, and whether they ever took it back.
SELECT institution_id, user_id, told.purpose AS purpose,
       arg_max(event_type = 'consent.given', (moment, event_id)) AS given,
       bool_or(event_type = 'consent.withdrawn') AS withdrawn, max(moment) AS changed_at
FROM a_told
WHERE event_type IN ('consent.given', 'consent.withdrawn') AND told.purpose IN ('personalization', 'analytics')
GROUP BY ALL
