SELECT assessment_id, question_id, min(institution_id) AS institution_id, min(course_id) AS course_id,
       count(*) AS attempts, count(*) FILTER (WHERE correct) AS correct,
       count(*) FILTER (WHERE judged) AS first_tries,
       count(*) FILTER (WHERE judged AND correct) AS first_correct,
       coalesce(sum(round(seconds * 1000)), 0)::BIGINT AS spent_ms, count(seconds) AS timed,
       round(CASE WHEN count(DISTINCT correct) FILTER (WHERE judged) = 2
                   AND count(DISTINCT total) FILTER (WHERE judged) > 1
             THEN corr(correct::INT, total) FILTER (WHERE judged) END, 6) AS discrimination
FROM (SELECT *, attempt = 1 AND correct IS NOT NULL AS judged,
             sum(points) OVER (PARTITION BY submission_id, assessment_id) AS total
      FROM expected_question_responses)
GROUP BY assessment_id, question_id
