-- name: banks
SELECT id, title FROM question_banks
WHERE course_id = %(source_id)s AND institution_id = %(institution_id)s

-- name: questions
SELECT question.id, question.bank_id, question.kind, question.tags, question.points,
       question.archived_at, version.body
FROM questions AS question
JOIN question_versions AS version
  ON version.question_id = question.id AND version.version = question.version
WHERE question.course_id = %(source_id)s AND question.institution_id = %(institution_id)s

-- name: assessments
SELECT {assessment} FROM assessments
WHERE course_id = %(source_id)s AND institution_id = %(institution_id)s
ORDER BY created_at, id

-- name: slots
SELECT slot.id, slot.assessment_id, slot.position, slot.question_id, slot.bank_id, slot.tags,
       slot.draws, slot.points
FROM assessment_parts AS slot
JOIN assessments AS assessment ON assessment.id = slot.assessment_id
WHERE assessment.course_id = %(source_id)s AND slot.institution_id = %(institution_id)s

-- name: insert_banks
INSERT INTO question_banks (id, course_id, title, institution_id)
SELECT id, %(target_id)s, title, %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (id UUID, title TEXT)

-- name: insert_questions
INSERT INTO questions (id, bank_id, course_id, kind, tags, points, archived_at, institution_id)
SELECT id, bank_id, %(target_id)s, kind, tags, points, archived_at, %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, bank_id UUID, kind TEXT, tags TEXT[], points NUMERIC, archived_at TIMESTAMPTZ
)

-- name: insert_versions
-- What the question says now is what it says from the beginning in the copy.
INSERT INTO question_versions (question_id, version, body, institution_id)
SELECT id, 1, body, %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (id UUID, body JSONB)

-- name: insert_slots
INSERT INTO assessment_parts
    (id, assessment_id, position, question_id, bank_id, tags, draws, points, institution_id)
SELECT id, assessment_id, position, question_id, bank_id, tags, draws, points, %(institution_id)s
FROM jsonb_to_recordset(%(rows)s) AS given (
    id UUID, assessment_id UUID, position INTEGER, question_id UUID, bank_id UUID, tags TEXT[],
    draws INTEGER, points NUMERIC
)
