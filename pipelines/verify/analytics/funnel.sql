SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id, enrolled, started,
       completed, dropped
FROM enrollment_funnel_day WHERE (enrolled, started, completed, dropped) <> (0, 0, 0, 0)
