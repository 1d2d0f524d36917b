-- Un-windowed partial sums by day. A later grade replaces an earlier one: its event carries what it
-- replaces (`previous_…`), and the sums add the difference, on the day of the correction. An event
-- without that is a first grading. Points and scores are summed in millionths, as whole numbers.

INSERT INTO assessment_activity
SELECT institution_id, course_id, assessment_id, day_at, part,
       SUM(CASE WHEN submitted THEN weight ELSE 0 END),
       SUM(CASE WHEN submitted AND late THEN weight ELSE 0 END),
       SUM(CASE WHEN NOT submitted AND previous_score IS NULL THEN weight ELSE 0 END),
       SUM(CASE WHEN submitted THEN 0
                ELSE weight * (CASE WHEN passed IS NULL THEN 0 ELSE 1 END
                               - CASE WHEN previous_passed IS NULL THEN 0 ELSE 1 END) END),
       SUM(CASE WHEN submitted THEN 0
                ELSE weight * (CASE WHEN passed THEN 1 ELSE 0 END
                               - CASE WHEN previous_passed THEN 1 ELSE 0 END) END),
       SUM(CASE WHEN submitted THEN 0
                ELSE weight * (CAST(FLOOR(score * 1000000e0 + 5e-1) AS BIGINT)
                               - COALESCE(CAST(FLOOR(previous_score * 1000000e0 + 5e-1) AS BIGINT), 0))
           END) / 1000000e0,
       SUM(CASE WHEN submitted THEN 0
                ELSE weight * (CAST(FLOOR(score * score * 1000000e0 + 5e-1) AS BIGINT)
                               - COALESCE(CAST(FLOOR(previous_score * previous_score * 1000000e0 + 5e-1)
                                               AS BIGINT), 0))
           END) / 1000000e0
FROM (SELECT SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS day_at,
             event_type = 'assessment.submitted' AS submitted, *
      FROM assessments_events WHERE event_type IN ('assessment.submitted', 'assessment.graded'))
GROUP BY institution_id, course_id, assessment_id, day_at, part;

INSERT INTO question_activity
SELECT institution_id, course_id, assessment_id, question_id, day_at, part,
       SUM(CASE WHEN previous_points IS NULL THEN weight ELSE 0 END),
       SUM(weight * (CASE WHEN correct THEN 1 ELSE 0 END
                     - CASE WHEN previous_correct THEN 1 ELSE 0 END)),
       SUM(weight * (CAST(FLOOR(points * 1000000e0 + 5e-1) AS BIGINT)
                     - COALESCE(CAST(FLOOR(previous_points * 1000000e0 + 5e-1) AS BIGINT), 0)))
           / 1000000e0,
       SUM(CASE WHEN previous_points IS NULL
                THEN weight * CAST(FLOOR(max_points * 1000000e0 + 5e-1) AS BIGINT) ELSE 0 END)
           / 1000000e0
FROM (SELECT SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS day_at, *
      FROM assessments_events WHERE event_type = 'assessment.question.graded')
GROUP BY institution_id, course_id, assessment_id, question_id, day_at, part;
