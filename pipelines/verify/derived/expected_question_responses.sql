SELECT DISTINCT ON (told.submission_id, told.question_id) institution_id, course_id,
       told.assessment_id::UUID AS assessment_id, told.question_id::UUID AS question_id,
       told.submission_id AS submission_id, told.attempt AS attempt, told.response AS response,
       told.correct AS correct, told.points AS points, told.seconds AS seconds
FROM a_told WHERE event_type = 'assessment.question.graded'
ORDER BY told.submission_id, told.question_id, moment DESC, event_id DESC
