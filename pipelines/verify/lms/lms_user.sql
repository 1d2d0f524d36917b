-- Accounts, by institution.
SELECT institution_id, count(*) AS events FROM users GROUP BY institution_id
