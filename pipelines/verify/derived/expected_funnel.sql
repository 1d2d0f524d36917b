SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id,
       count(*) FILTER (WHERE what = 'enrolled') AS enrolled,
       count(*) FILTER (WHERE what = 'started') AS started,
       count(*) FILTER (WHERE what = 'completed') AS completed,
       count(*) FILTER (WHERE what = 'dropped') AS dropped
FROM (
    SELECT institution_id, course_id, 'enrolled' AS what, enrolled_at AS moment FROM expected_enrollment_moments
    UNION ALL SELECT institution_id, course_id, 'started', first_activity_at FROM expected_enrollment_moments
    UNION ALL SELECT institution_id, course_id, 'completed', completed_at FROM expected_enrollment_moments
    UNION ALL SELECT institution_id, course_id, 'dropped', dropped_at FROM expected_enrollment_moments)
WHERE moment IS NOT NULL GROUP BY ALL
