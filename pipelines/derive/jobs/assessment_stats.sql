-- The statistics of the assessments in `due`, made again from what learners handed in.
DELETE FROM question_stats USING due WHERE question_stats.assessment_id = due.assessment_id;
INSERT INTO question_stats (assessment_id, question_id, institution_id, course_id, attempts,
    correct, first_tries, first_correct, spent_ms, timed, sum_x, sum_y, sum_yy, sum_xy)
SELECT assessment_id, question_id, min(institution_id::text)::uuid, min(course_id::text)::uuid,
       count(*), count(*) FILTER (WHERE correct),
       count(*) FILTER (WHERE judged), count(*) FILTER (WHERE judged AND correct),
       coalesce(sum(spent_ms), 0), count(spent_ms),
       count(*) FILTER (WHERE judged AND correct),
       coalesce(sum(total) FILTER (WHERE judged), 0),
       coalesce(sum(total * total) FILTER (WHERE judged), 0),
       coalesce(sum(total) FILTER (WHERE judged AND correct), 0)
FROM (SELECT r.*, attempt = 1 AND correct IS NOT NULL AS judged,
             sum(points) OVER (PARTITION BY submission_id) AS total
      FROM question_response r JOIN due USING (assessment_id)) AS responses
GROUP BY assessment_id, question_id;

DELETE FROM question_answers USING due WHERE question_answers.assessment_id = due.assessment_id;
INSERT INTO question_answers (assessment_id, question_id, response, institution_id, answers)
SELECT assessment_id, question_id, response, min(institution_id::text)::uuid, count(*)
FROM question_response JOIN due USING (assessment_id)
WHERE response IS NOT NULL GROUP BY 1, 2, 3;

DELETE FROM assessment_stats USING due WHERE assessment_stats.assessment_id = due.assessment_id;
INSERT INTO assessment_stats (assessment_id, institution_id, course_id, submissions, learners,
    graded, rated, passed, late, late_by_ms, score_sum, score_histogram)
SELECT s.assessment_id, min(s.institution_id::text)::uuid, min(s.course_id::text)::uuid,
       count(*), count(DISTINCT s.user_id), count(s.score),
       count(*) FILTER (WHERE pass IS NOT NULL), count(*) FILTER (WHERE pass),
       count(*) FILTER (WHERE is_late),
       coalesce(sum((extract(epoch FROM s.submitted_at - a.due_at) * 1000)::bigint)
           FILTER (WHERE is_late AND s.submitted_at > a.due_at), 0),
       coalesce(sum(s.score), 0),
       ARRAY[count(*) FILTER (WHERE bin = 0), count(*) FILTER (WHERE bin = 1),
             count(*) FILTER (WHERE bin = 2), count(*) FILTER (WHERE bin = 3),
             count(*) FILTER (WHERE bin = 4), count(*) FILTER (WHERE bin = 5),
             count(*) FILTER (WHERE bin = 6), count(*) FILTER (WHERE bin = 7),
             count(*) FILTER (WHERE bin = 8), count(*) FILTER (WHERE bin = 9)]
FROM learner_submission s
JOIN due USING (assessment_id)
LEFT JOIN assessment_set a USING (assessment_id),
LATERAL (SELECT coalesce(s.passed, s.score >= a.pass_score) AS pass,
                coalesce(s.late, s.submitted_at > a.due_at) AS is_late,
                least(floor(s.score / 10), 9)::int AS bin) AS judged
GROUP BY s.assessment_id;
