-- name: guardianship
SELECT verified_at IS NOT NULL AS verified, array_remove(ARRAY[
    CASE WHEN learner_id = %(caller_id)s THEN 'self' END,
    CASE WHEN guardian_id = %(caller_id)s THEN 'guardian' END
], NULL) AS relations
FROM guardians
WHERE learner_id = %(user_id)s AND guardian_id = %(guardian_id)s
  AND institution_id = %(institution_id)s
