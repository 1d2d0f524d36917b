-- name: insert_bank
INSERT INTO question_banks (id, institution_id, course_id, title)
VALUES (%(id)s, %(institution_id)s, %(course_id)s, %(title)s)
RETURNING {bank}

-- name: bank
SELECT {bank} FROM question_banks WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: lock_bank
SELECT {bank} FROM question_banks WHERE id = %(id)s AND institution_id = %(institution_id)s
FOR NO KEY UPDATE

-- name: rename_bank
UPDATE question_banks SET title = %(title)s, updated_at = NOW() WHERE id = %(id)s RETURNING {bank}

-- name: banks
SELECT {bank} FROM question_banks
WHERE course_id = %(course_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: insert_question
INSERT INTO questions (id, institution_id, bank_id, course_id, kind, tags, points)
VALUES (%(id)s, %(institution_id)s, %(bank_id)s, %(course_id)s, %(kind)s, %(tags)s, %(points)s)

-- name: insert_version
INSERT INTO question_versions
    (question_id, version, institution_id, body, corrects, why, written_by)
VALUES (%(id)s, %(version)s, %(institution_id)s, %(body)s, %(corrects)s, %(why)s, %(written_by)s)

-- name: question
SELECT question.id, question.institution_id, question.bank_id, question.course_id, question.kind,
       question.points, question.tags, question.version, version.body, question.archived_at,
       question.created_at, question.updated_at
FROM questions AS question
JOIN question_versions AS version
  ON version.question_id = question.id AND version.version = question.version
WHERE question.id = %(id)s AND question.institution_id = %(institution_id)s

-- name: lock_question
SELECT question.id, question.institution_id, question.bank_id, question.course_id, question.kind,
       question.points, question.tags, question.version, version.body, question.archived_at,
       question.created_at, question.updated_at
FROM questions AS question
JOIN question_versions AS version
  ON version.question_id = question.id AND version.version = question.version
WHERE question.id = %(id)s AND question.institution_id = %(institution_id)s
FOR NO KEY UPDATE OF question

-- name: change_question
UPDATE questions
SET points = %(points)s, tags = %(tags)s, version = %(version)s, updated_at = NOW()
WHERE id = %(id)s

-- name: archive_question
UPDATE questions SET archived_at = coalesce(archived_at, NOW()), updated_at = NOW()
WHERE id = %(id)s

-- name: questions_of_bank
SELECT question.id, question.institution_id, question.bank_id, question.course_id, question.kind,
       question.points, question.tags, question.version, version.body, question.archived_at,
       question.created_at, question.updated_at
FROM questions AS question
JOIN question_versions AS version
  ON version.question_id = question.id AND version.version = question.version
WHERE question.bank_id = %(bank_id)s AND question.institution_id = %(institution_id)s
  AND (%(tag)s::text IS NULL OR %(tag)s::text = ANY(question.tags))
  AND (%(after_first)s::timestamptz IS NULL
       OR (question.created_at, question.id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY question.created_at, question.id
LIMIT %(rows)s

-- name: versions
SELECT {version} FROM question_versions
WHERE question_id = %(question_id)s AND institution_id = %(institution_id)s
ORDER BY version

-- name: regrades
SELECT {regrade} FROM regrades
WHERE question_id = %(question_id)s AND institution_id = %(institution_id)s
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: insert_regrade
INSERT INTO regrades
    (id, institution_id, question_id, version, why, asked_by, looked_at, changed, created_at)
VALUES (%(id)s, %(institution_id)s, %(question_id)s, %(version)s, %(why)s, %(asked_by)s, 0, 0,
        %(at)s)

-- name: finish_regrade
UPDATE regrades SET looked_at = %(looked_at)s, changed = %(changed)s WHERE id = %(id)s RETURNING {regrade}

-- name: regrade
SELECT {regrade} FROM regrades WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: insert_slot
INSERT INTO assessment_parts (id, institution_id, assessment_id, position, question_id, bank_id,
                              tags, draws, points)
VALUES (%(id)s, %(institution_id)s, %(assessment_id)s, %(position)s, %(question_id)s, %(bank_id)s,
        %(tags)s, %(draws)s, %(points)s)
RETURNING {slot}

-- name: slot
SELECT {slot} FROM assessment_parts WHERE id = %(id)s AND institution_id = %(institution_id)s

-- name: slots
SELECT {slot} FROM assessment_parts
WHERE assessment_id = %(assessment_id)s AND institution_id = %(institution_id)s
ORDER BY position, created_at, id

-- name: delete_slot
DELETE FROM assessment_parts WHERE id = %(id)s AND assessment_id = %(assessment_id)s RETURNING id

-- name: askable
-- What each slot of an assessment may ask: its question, or those of its bank that fit.
SELECT slot.id AS slot_id, question.id, question.version,
       coalesce(slot.points, question.points) AS points
FROM assessment_parts AS slot
JOIN questions AS question
  ON question.id = slot.question_id
  OR (question.bank_id = slot.bank_id AND question.tags @> slot.tags
      AND question.archived_at IS NULL)
WHERE slot.assessment_id = %(assessment_id)s

-- name: available
-- How many questions a draw could come from.
SELECT count(*) AS questions FROM questions
WHERE bank_id = %(bank_id)s AND tags @> %(tags)s::text[] AND archived_at IS NULL
