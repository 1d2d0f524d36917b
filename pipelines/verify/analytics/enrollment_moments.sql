SELECT institution_id, course_id, user_id, enrolled_at AT TIME ZONE 'UTC' AS enrolled_at,
       last_enrolled_at AT TIME ZONE 'UTC' AS last_enrolled_at,
       first_activity_at AT TIME ZONE 'UTC' AS first_activity_at,
       completed_at AT TIME ZONE 'UTC' AS completed_at,
       dropped_at AT TIME ZONE 'UTC' AS dropped_at, progress
FROM learner_course
