-- A learner's path through a course: its items in the order of their first events; of two at one
-- moment the smaller item is first. A step changes the paths of whoever opened something new, or,
-- by a late event, opened it earlier than was known: from the earliest of these moments on, with the
-- item before it. What went on there before is subtracted, what goes on now is added.
INSERT INTO opening (user_id, institution_id, course_id, item_id, first_at)
SELECT user_id, institution_id, course_id, item_id, n.first_at
FROM (SELECT user_id, institution_id, course_id, item_id, min(at) AS first_at
      FROM new_events WHERE content GROUP BY 1, 2, 3, 4) AS n
LEFT JOIN learner_item t USING (user_id, course_id, item_id, institution_id)
WHERE t.first_at IS NULL OR n.first_at < t.first_at;

INSERT INTO path_before (user_id, institution_id, course_id, item_id, first_at)
SELECT user_id, institution_id, course_id, item_id, first_at
FROM (SELECT user_id, institution_id, course_id, min(first_at) AS from_at
      FROM opening GROUP BY 1, 2, 3) AS changed
CROSS JOIN LATERAL (
    SELECT item_id, first_at FROM learner_item t
    WHERE t.user_id = changed.user_id AND t.course_id = changed.course_id
      AND t.institution_id = changed.institution_id AND t.first_at >= from_at
    UNION ALL
    (SELECT item_id, first_at FROM learner_item t
     WHERE t.user_id = changed.user_id AND t.course_id = changed.course_id
       AND t.institution_id = changed.institution_id AND t.first_at < from_at
     ORDER BY first_at DESC, item_id DESC LIMIT 1)
) AS known;

INSERT INTO learner_item AS t (user_id, course_id, item_id, institution_id, first_at)
SELECT user_id, course_id, item_id, institution_id, first_at FROM opening
ORDER BY user_id, course_id, item_id
ON CONFLICT (user_id, course_id, item_id, institution_id) DO UPDATE SET first_at = EXCLUDED.first_at;

INSERT INTO item_transition AS t (course_id, week_at, from_item_id, to_item_id, institution_id,
    learners)
SELECT course_id, date_trunc('week', to_at, 'UTC'), from_item_id, to_item_id, institution_id, sum(n)
FROM (
    SELECT n, institution_id, course_id, item_id AS from_item_id, lead(item_id) OVER path AS to_item_id,
           lead(first_at) OVER path AS to_at
    FROM (
        SELECT -1 AS n, * FROM path_before
        UNION ALL
        SELECT 1, * FROM (
            SELECT user_id, institution_id, course_id, item_id, first_at FROM opening
            UNION ALL
            SELECT b.* FROM path_before b
            WHERE NOT EXISTS (
                SELECT FROM opening o
                WHERE o.user_id = b.user_id AND o.course_id = b.course_id
                  AND o.item_id = b.item_id AND o.institution_id = b.institution_id)
        ) AS path_after
    ) AS paths
    WINDOW path AS (PARTITION BY n, user_id, institution_id, course_id ORDER BY first_at, item_id)
) AS steps
WHERE to_item_id IS NOT NULL
GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
ORDER BY 1, 3, 4, 2
ON CONFLICT (course_id, from_item_id, to_item_id, week_at, institution_id) DO UPDATE SET
    learners = t.learners + EXCLUDED.learners;

-- A late event may leave a transition that nobody made.
DELETE FROM item_transition t
USING (SELECT DISTINCT course_id FROM path_before) AS moved
WHERE t.course_id = moved.course_id AND learners = 0;
