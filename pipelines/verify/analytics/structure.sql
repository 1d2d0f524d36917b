-- What courses are made of, from the dimension tables.
SELECT 'course' AS what, course_id AS id, institution_id, course_id, title, status,
       NULL::text AS described_kind, NULL::int AS place, NULL::uuid AS module_id, language,
       NULL::float8 AS max_points
FROM course_dim
UNION ALL
SELECT 'module', module_id, institution_id, course_id, title, status, NULL, position, NULL, NULL,
       NULL
FROM module_dim
UNION ALL
SELECT 'item', item_id, institution_id, course_id, title, status, kind, position, module_id, NULL,
       NULL
FROM item_dim
UNION ALL
SELECT 'assessment', assessment_id, institution_id, course_id, title, status, kind, position, NULL,
       NULL, NULL
FROM assessment_dim
UNION ALL
SELECT 'question', question_id, institution_id, course_id, title, status, kind, position, NULL,
       NULL, max_points::float8
FROM question_dim
