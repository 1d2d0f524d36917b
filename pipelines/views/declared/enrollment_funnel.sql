-- about: enrollments that reached each stage, per course and day and so far
-- source: jobs enrollment_funnel and course_learners
-- key: institution_id, course_id, bucket_at
-- column institution_id uuid:
-- column course_id uuid:
-- column bucket_at timestamp with time zone: start of the day (UTC)
-- column enrolled bigint:
-- column started bigint:
-- column active bigint: distinct learners with an event on the day
-- column completed bigint:
-- column dropped bigint:
-- column enrolled_so_far numeric: enrollments up to the day (count)
-- column started_so_far numeric: started ones up to the day (count)
-- column completed_so_far numeric: completed ones up to the day (count)
-- column dropped_so_far numeric: dropped ones up to the day (count)
SELECT institution_id, course_id, bucket_at, enrolled, started, active, completed, dropped,
       enrolled_so_far, started_so_far, completed_so_far, dropped_so_far
FROM public.enrollment_funnel
