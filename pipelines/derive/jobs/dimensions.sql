-- Each thing as its greatest revision describes it, so every order of arrival ends with the same row.
INSERT INTO course_dim AS t (
    course_id, institution_id, title, status, language, starts_at, ends_at, revision, described_at
)
SELECT DISTINCT ON (1) (payload ->> 'course_id')::uuid, institution_id, payload ->> 'title',
       payload ->> 'status', payload ->> 'language', (payload ->> 'starts_at')::timestamptz,
       (payload ->> 'ends_at')::timestamptz, (payload ->> 'revision')::int, at
FROM payload_events WHERE event_type = 'course.described'
ORDER BY 1, (payload ->> 'revision')::int DESC, at DESC, event_id DESC
ON CONFLICT (course_id) DO UPDATE SET
    institution_id = EXCLUDED.institution_id, title = EXCLUDED.title, status = EXCLUDED.status,
    language = EXCLUDED.language, starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,
    revision = EXCLUDED.revision, described_at = EXCLUDED.described_at
WHERE EXCLUDED.revision > t.revision;

INSERT INTO module_dim AS t (
    module_id, institution_id, course_id, title, status, position, revision, described_at
)
SELECT DISTINCT ON (1) (payload ->> 'module_id')::uuid, institution_id, course_id,
       payload ->> 'title', payload ->> 'status', (payload ->> 'position')::int,
       (payload ->> 'revision')::int, at
FROM payload_events WHERE event_type = 'module.described'
ORDER BY 1, (payload ->> 'revision')::int DESC, at DESC, event_id DESC
ON CONFLICT (module_id) DO UPDATE SET
    institution_id = EXCLUDED.institution_id, course_id = EXCLUDED.course_id,
    title = EXCLUDED.title, status = EXCLUDED.status, position = EXCLUDED.position,
    revision = EXCLUDED.revision, described_at = EXCLUDED.described_at
WHERE EXCLUDED.revision > t.revision;

INSERT INTO item_dim AS t (
    item_id, institution_id, course_id, title, status, kind, position, module_id, required,
    revision, described_at
)
SELECT DISTINCT ON (1) (payload ->> 'item_id')::uuid, institution_id, course_id,
       payload ->> 'title', payload ->> 'status', kind, (payload ->> 'position')::int,
       (payload ->> 'module_id')::uuid, (payload ->> 'required')::boolean,
       (payload ->> 'revision')::int, at
FROM payload_events WHERE event_type = 'item.described'
ORDER BY 1, (payload ->> 'revision')::int DESC, at DESC, event_id DESC
ON CONFLICT (item_id) DO UPDATE SET
    institution_id = EXCLUDED.institution_id, course_id = EXCLUDED.course_id,
    title = EXCLUDED.title, status = EXCLUDED.status, kind = EXCLUDED.kind,
    position = EXCLUDED.position, module_id = EXCLUDED.module_id, required = EXCLUDED.required,
    revision = EXCLUDED.revision, described_at = EXCLUDED.described_at
WHERE EXCLUDED.revision > t.revision;

INSERT INTO assessment_dim AS t (
    assessment_id, institution_id, course_id, title, status, kind, position, revision,
    described_at
)
SELECT DISTINCT ON (1) (payload ->> 'assessment_id')::uuid, institution_id, course_id,
       payload ->> 'title', payload ->> 'status', kind, (payload ->> 'position')::int,
       (payload ->> 'revision')::int, at
FROM payload_events WHERE event_type = 'assessment.described'
ORDER BY 1, (payload ->> 'revision')::int DESC, at DESC, event_id DESC
ON CONFLICT (assessment_id) DO UPDATE SET
    institution_id = EXCLUDED.institution_id, course_id = EXCLUDED.course_id,
    title = EXCLUDED.title, status = EXCLUDED.status, kind = EXCLUDED.kind,
    position = EXCLUDED.position, revision = EXCLUDED.revision,
    described_at = EXCLUDED.described_at
WHERE EXCLUDED.revision > t.revision;

INSERT INTO question_dim AS t (
    question_id, institution_id, course_id, title, status, kind, position, max_points, revision,
    described_at
)
SELECT DISTINCT ON (1) (payload ->> 'question_id')::uuid, institution_id, course_id,
       payload ->> 'title', payload ->> 'status', kind, (payload ->> 'position')::int,
       (payload ->> 'max_points')::numeric, (payload ->> 'revision')::int, at
FROM payload_events WHERE event_type = 'question.described'
ORDER BY 1, (payload ->> 'revision')::int DESC, at DESC, event_id DESC
ON CONFLICT (question_id) DO UPDATE SET
    institution_id = EXCLUDED.institution_id, course_id = EXCLUDED.course_id,
    title = EXCLUDED.title, status = EXCLUDED.status, kind = EXCLUDED.kind,
    position = EXCLUDED.position, max_points = EXCLUDED.max_points, revision = EXCLUDED.revision,
    described_at = EXCLUDED.described_at
WHERE EXCLUDED.revision > t.revision;
