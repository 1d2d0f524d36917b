SELECT assessment_id, question_id, response, institution_id, answers FROM question_answers
