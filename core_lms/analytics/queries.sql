-- name: taught
SELECT course.id FROM courses AS course
WHERE course.institution_id = %(institution_id)s
  AND (course.instructor_id = %(caller_id)s OR teaches(%(caller_id)s, course.id))

-- name: scope
-- Of the analytical database: whose rows the views show until the transaction ends.
SELECT set_config('role', %(role)s, true),
       set_config('search_path', %(schema)s || ', public', true),
       set_config('statement_timeout', %(timeout_ms)s::text, true),
       set_config('timezone', 'UTC', true),
       set_config('jit', 'off', true),
       set_config('learnstream.institution_id', %(institution_id)s, true),
       set_config('learnstream.course_ids', %(course_ids)s::uuid[]::text, true),
       set_config('learnstream.user_id', %(user_id)s, true)
