SELECT submission_id, institution_id, assessment_id, course_id, user_id,
       submitted_at AT TIME ZONE 'UTC' AS submitted_at, attempt, late::int AS late,
       score::float8 AS score, passed::int AS passed, graded_at AT TIME ZONE 'UTC' AS graded_at
FROM learner_submission
