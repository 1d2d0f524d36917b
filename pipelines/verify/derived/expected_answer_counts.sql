SELECT assessment_id, question_id, response, min(institution_id) AS institution_id, count(*) AS answers
FROM expected_question_responses WHERE response IS NOT NULL GROUP BY ALL
