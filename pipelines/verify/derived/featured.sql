-- Who must have features (all), and who none; those who agreed later have what was told since (some).
SELECT e.institution_id, e.user_id,
       CASE WHEN s.user_id IS NULL THEN CASE WHEN u.agreed THEN 'all' ELSE 'none' END
            WHEN NOT s.given THEN 'none'
            WHEN u.agreed AND NOT s.withdrawn THEN 'all' ELSE 'some' END AS kept
FROM (SELECT DISTINCT institution_id, user_id FROM a_event
      WHERE own OR event_type = 'assessment.graded') AS e
LEFT JOIN unasked u USING (institution_id)
LEFT JOIN consent_said s ON s.user_id = e.user_id
