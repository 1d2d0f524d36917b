-- Assessments and answers by their newest event: of two at one moment the greater id wins, so that
-- every order of arrival ends with the same row.
INSERT INTO assessment_set AS t (assessment_id, institution_id, course_id, kind, due_at, weight,
    pass_score, told_at, event_id)
SELECT DISTINCT ON (1) (payload ->> 'assessment_id')::uuid, institution_id, course_id, kind,
       (payload ->> 'due_at')::timestamptz, (payload ->> 'weight')::numeric,
       (payload ->> 'pass_score')::numeric, at, event_id
FROM payload_events WHERE event_type IN ('assessment.created', 'assessment.updated')
ORDER BY 1, at DESC, event_id DESC
ON CONFLICT (assessment_id) DO UPDATE SET
    institution_id = EXCLUDED.institution_id, course_id = EXCLUDED.course_id,
    kind = EXCLUDED.kind, due_at = EXCLUDED.due_at, weight = EXCLUDED.weight,
    pass_score = EXCLUDED.pass_score, told_at = EXCLUDED.told_at, event_id = EXCLUDED.event_id
WHERE (EXCLUDED.told_at, EXCLUDED.event_id) > (t.told_at, t.event_id);

INSERT INTO learner_submission AS t (submission_id, institution_id, assessment_id, course_id,
    user_id, submitted_at, attempt, late)
SELECT DISTINCT ON (1) (payload ->> 'submission_id')::uuid, institution_id,
       (payload ->> 'assessment_id')::uuid, course_id, user_id, at, (payload ->> 'attempt')::int,
       (payload ->> 'late')::boolean
FROM payload_events WHERE event_type = 'assessment.submitted'
ORDER BY 1, at, event_id
ON CONFLICT (submission_id) DO UPDATE SET
    submitted_at = EXCLUDED.submitted_at, attempt = EXCLUDED.attempt, late = EXCLUDED.late
WHERE t.submitted_at IS NULL OR EXCLUDED.submitted_at < t.submitted_at;

INSERT INTO learner_submission AS t (submission_id, institution_id, assessment_id, course_id,
    user_id, score, passed, graded_at, grade_event_id)
SELECT DISTINCT ON (1) (payload ->> 'submission_id')::uuid, institution_id,
       (payload ->> 'assessment_id')::uuid, course_id, user_id, (payload ->> 'score')::numeric,
       (payload ->> 'passed')::boolean, at, event_id
FROM payload_events WHERE event_type = 'assessment.graded'
ORDER BY 1, at DESC, event_id DESC
ON CONFLICT (submission_id) DO UPDATE SET
    score = EXCLUDED.score, passed = EXCLUDED.passed, graded_at = EXCLUDED.graded_at,
    grade_event_id = EXCLUDED.grade_event_id
WHERE t.graded_at IS NULL
   OR (EXCLUDED.graded_at, EXCLUDED.grade_event_id) > (t.graded_at, t.grade_event_id);

INSERT INTO question_response AS t (submission_id, question_id, institution_id, assessment_id,
    course_id, user_id, attempt, response, correct, points, max_points, spent_ms, graded_at, event_id)
SELECT DISTINCT ON (1, 2) (payload ->> 'submission_id')::uuid, (payload ->> 'question_id')::uuid,
       institution_id, (payload ->> 'assessment_id')::uuid, course_id, user_id,
       (payload ->> 'attempt')::int, payload ->> 'response', (payload ->> 'correct')::boolean,
       (payload ->> 'points')::numeric, (payload ->> 'max_points')::numeric,
       round((payload ->> 'seconds')::numeric * 1000)::bigint, at, event_id
FROM payload_events WHERE event_type = 'assessment.question.graded'
ORDER BY 1, 2, at DESC, event_id DESC
ON CONFLICT (submission_id, question_id) DO UPDATE SET
    attempt = EXCLUDED.attempt, response = EXCLUDED.response, correct = EXCLUDED.correct,
    points = EXCLUDED.points, max_points = EXCLUDED.max_points, spent_ms = EXCLUDED.spent_ms,
    graded_at = EXCLUDED.graded_at, event_id = EXCLUDED.event_id
WHERE (EXCLUDED.graded_at, EXCLUDED.event_id) > (t.graded_at, t.event_id);

-- assessment_stats.sql refreshes their statistics after the step.
INSERT INTO assessment_due (assessment_id)
SELECT DISTINCT (payload ->> 'assessment_id')::uuid
FROM payload_events WHERE event_type LIKE 'assessment.%%' AND payload ? 'assessment_id'
ON CONFLICT DO NOTHING;
