-- name: unsealed
SELECT id, institution_id, email, name, profile FROM users
WHERE email_encrypted IS NULL AND erased_at IS NULL
ORDER BY id LIMIT %(limit)s FOR UPDATE

-- name: seal
WITH kept AS (
    INSERT INTO person_keys (user_id, institution_id, wrapped_key)
    VALUES (%(id)s, %(institution_id)s, %(wrapped_key)s)
)
UPDATE users SET
    email = %(email)s, name = %(name)s, profile = '{}',
    email_encrypted = %(email_encrypted)s, name_encrypted = %(name_encrypted)s,
    profile_encrypted = %(profile_encrypted)s, email_index = %(email_index)s
WHERE id = %(id)s

-- name: is_validated
SELECT convalidated FROM pg_constraint WHERE conname = %(constraint)s

-- name: unsealed_posts
SELECT post.id, post.user_id, post.details ->> 'text' AS text, wrapped_key
FROM content_views AS post LEFT JOIN person_keys ON person_keys.user_id = post.user_id
WHERE post.id > %(after_id)s AND post.event_type = 'forum.posted' AND post.details ? 'text'
ORDER BY post.id LIMIT %(limit)s FOR UPDATE OF post

-- name: seal_post
UPDATE content_views SET text_sealed = %(text_sealed)s, details = details - 'text'
WHERE id = %(id)s

-- name: unsealed_answers
SELECT asked.attempt_id, asked.question_id, attempt.user_id, asked.answer, asked.feedback,
       wrapped_key
FROM attempt_questions AS asked
JOIN attempts AS attempt ON attempt.id = asked.attempt_id
LEFT JOIN person_keys ON person_keys.user_id = attempt.user_id
WHERE (asked.attempt_id, asked.question_id) > (%(after_attempt_id)s, %(after_question_id)s)
  AND (asked.answer IS NOT NULL OR asked.feedback IS NOT NULL)
ORDER BY asked.attempt_id, asked.question_id LIMIT %(limit)s FOR UPDATE OF asked

-- name: seal_answer
UPDATE attempt_questions
SET answer_sealed = %(answer_sealed)s, answer = NULL,
    feedback_sealed = %(feedback_sealed)s, feedback = NULL
WHERE attempt_id = %(attempt_id)s AND question_id = %(question_id)s

-- name: unsealed_feedback
SELECT feedback.id, submission.user_id, feedback.body AS text, wrapped_key
FROM feedback
JOIN submissions AS submission ON submission.id = feedback.submission_id
LEFT JOIN person_keys ON person_keys.user_id = submission.user_id
WHERE feedback.id > %(after_id)s AND feedback.body <> ''
ORDER BY feedback.id LIMIT %(limit)s FOR UPDATE OF feedback

-- name: seal_feedback
UPDATE feedback SET text_sealed = %(text_sealed)s, body = '' WHERE id = %(id)s

-- name: unsealed_why
SELECT entry.id, submission.user_id, entry.why, wrapped_key
FROM grade_history AS entry
JOIN submissions AS submission ON submission.id = entry.submission_id
LEFT JOIN person_keys ON person_keys.user_id = submission.user_id
WHERE entry.id > %(after_id)s AND entry.why IS NOT NULL
ORDER BY entry.id LIMIT %(limit)s FOR UPDATE OF entry

-- name: seal_why
UPDATE grade_history SET why_sealed = %(why_sealed)s, why = NULL WHERE id = %(id)s
