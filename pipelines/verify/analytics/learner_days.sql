SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id, user_id, time_on_task_ms,
       first_at AT TIME ZONE 'UTC' AS first_at, last_at AT TIME ZONE 'UTC' AS last_at
FROM learner_course_day
