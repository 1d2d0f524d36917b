-- The ids that took the place of erased people's. No source knows them: what the sources count of
-- somebody who is no longer in the LMS is compared with all of these together, as nobody's (NULL).
SELECT institution_id, id AS user_id FROM users WHERE erased_at IS NOT NULL
