INSERT INTO assessments (id, course_id, kind, title, weight, institution_id)
SELECT id, course_id, kind, title, weight, institution_id
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, course_id UUID, kind TEXT, title TEXT, weight NUMERIC(5,2), institution_id UUID
)
ON CONFLICT (id) DO UPDATE SET
    course_id = excluded.course_id,
    kind = excluded.kind,
    title = excluded.title,
    weight = excluded.weight,
    updated_at = NOW()
WHERE (assessments.course_id, assessments.kind, assessments.title, assessments.weight)
    IS DISTINCT FROM
    (excluded.course_id, excluded.kind, excluded.title, excluded.weight)
RETURNING id::TEXT, course_id::TEXT, kind, due_at, weight::FLOAT, xmax = 0 AS created
