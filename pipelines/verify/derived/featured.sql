-- Who must have features (all), and who none; who agreed later has what was published since (some).
-- Every purpose of features counts: the least of them decides.
SELECT institution_id, user_id, CASE min(kept) WHEN 0 THEN 'none' WHEN 1 THEN 'some' ELSE 'all' END AS kept
FROM (
    SELECT e.institution_id, e.user_id,
           CASE WHEN s.user_id IS NULL THEN CASE WHEN u.agreed THEN 2 ELSE 0 END
                WHEN NOT s.given THEN 0
                WHEN u.agreed AND NOT s.withdrawn THEN 2 ELSE 1 END AS kept
    FROM (SELECT DISTINCT institution_id, user_id FROM distinct_events
          WHERE own_action OR event_type = 'assessment.graded') AS e
    LEFT JOIN consent_default u USING (institution_id)
    LEFT JOIN consent_state s ON s.user_id = e.user_id AND s.purpose = u.purpose
)
GROUP BY ALL
