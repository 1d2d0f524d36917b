SELECT assessment_id, question_id, institution_id, course_id, attempts, correct, first_tries,
       first_correct, spent_ms, timed, round(discrimination::numeric, 6)::float8 AS discrimination
FROM question_quality
