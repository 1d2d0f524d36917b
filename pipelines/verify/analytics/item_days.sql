SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id, item_id, kind, learners,
       finishers
FROM item_engagement
