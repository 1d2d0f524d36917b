-- about: how long enrollments of a course take
-- source: job enrollment_funnel
-- key: institution_id, course_id
-- column institution_id uuid:
-- column course_id uuid:
-- column enrolled bigint: enrollments
-- column median_seconds_to_first_activity double precision: median, of those who got there (seconds)
-- column median_seconds_to_completion double precision: median, of those who got there (seconds)
SELECT institution_id, course_id, enrolled, median_seconds_to_first_activity,
       median_seconds_to_completion
FROM public.enrollment_times
