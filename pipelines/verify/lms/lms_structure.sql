-- What courses are made of, as the LMS has it.
SELECT what, id, institution_id, course_id, facts ->> 'title' AS title,
       facts ->> 'status' AS status, facts ->> 'kind' AS described_kind,
       (facts ->> 'position')::int AS place, (facts ->> 'module_id')::uuid AS module_id,
       facts ->> 'language' AS language, (facts ->> 'max_points')::float8 AS max_points
FROM course_structure
