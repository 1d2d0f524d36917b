SELECT split_part(event_type, '.', 1) AS what, thing_id AS id, institution_id, course_id,
       payload.title AS title, payload.status AS status, kind AS described_kind,
       payload."position"::INTEGER AS place, payload.module_id::UUID AS module_id,
       payload.language AS language, payload.max_points AS max_points
FROM (
    SELECT *, CASE split_part(event_type, '.', 1)
                  WHEN 'course' THEN course_id WHEN 'item' THEN item_id
                  WHEN 'module' THEN payload.module_id::UUID
                  WHEN 'assessment' THEN payload.assessment_id::UUID
                  ELSE payload.question_id::UUID END AS thing_id
    FROM distinct_payloads WHERE event_type LIKE '%.described'
)
QUALIFY row_number() OVER (PARTITION BY what, thing_id
                           ORDER BY payload.revision DESC, moment DESC, event_id DESC) = 1
