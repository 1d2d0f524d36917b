-- title: Questions to review
-- question: Which questions separate strong learners from weak ones least?
-- picture: table
-- unit: times
-- order: 40
-- size: 8
-- label first_tries: first tries
-- label correct: right at the first try
-- unit correct: percent
-- label discrimination: agrees with the whole score
-- note: The point-biserial correlation of being right at the first try with the points of the whole work; below 0.1 a question measures something else.
-- empty: No question has been graded five times yet.
SELECT coalesce(title, question_id::text) AS question, first_tries,
       round((100 * share_correct_first_try)::numeric, 1) AS correct,
       round(discrimination::numeric, 2) AS discrimination
FROM question_quality
LEFT JOIN (SELECT question_id, title FROM question_dim) AS described USING (question_id)
WHERE first_tries >= 5
ORDER BY discrimination NULLS LAST, question_id
LIMIT 10;
