-- about: who went on from which item to which new one is counted right
-- covers: item_transition
-- key: institution_id, course_id, from_item_id, to_item_id, week_at
-- name: expected
-- By rank: each item of a learner's path with the one of the next rank.
WITH path AS (
    SELECT *, row_number() OVER (PARTITION BY institution_id, user_id, course_id
                                 ORDER BY first_at, item_id) AS nth
    FROM (SELECT institution_id, user_id, course_id, item_id, min(moment) AS first_at
          FROM distinct_events WHERE content GROUP BY ALL))
SELECT institution_id, course_id, a.item_id AS from_item_id, b.item_id AS to_item_id,
       date_trunc('week', b.first_at)::TIMESTAMP AS week_at, count(*) AS learners
FROM path a JOIN path b USING (institution_id, user_id, course_id)
WHERE b.nth = a.nth + 1 GROUP BY ALL
-- name: found
SELECT institution_id, course_id, from_item_id, to_item_id, week_at AT TIME ZONE 'UTC' AS week_at,
       learners
FROM item_transition
