-- Each person's consent to the purposes of features: the newest decision, and whether one was withdrawn.
SELECT institution_id, user_id, payload.purpose AS purpose,
       arg_max(event_type = 'consent.given', (moment, event_id)) AS given,
       bool_or(event_type = 'consent.withdrawn') AS withdrawn, max(moment) AS changed_at
FROM distinct_payloads
WHERE event_type IN ('consent.given', 'consent.withdrawn') AND payload.purpose IN ('personalization', 'analytics')
GROUP BY ALL
