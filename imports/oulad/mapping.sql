-- OULAD in our terms: presentations, items, learners, enrollments, assessments, submissions, views.
--
-- Set before: variables `namespace` (bytes of contracts.ids.LEARNSTREAM) and `institution` (uuid
-- text); tables `skipped` (module, presentation), which another import brought, and `known`
-- (user_id), whom another import brought.
--
-- `day` is always days since 1970-01-01. OULAD counts from the start of the presentation (negative
-- before it) and has no time of day: everything happens at 00:00:00Z of its date.

-- contracts.ids.named_id: UUIDv3 (RFC 9562 §5.3) of a name, here with its parts already joined.
CREATE MACRO uuid_of(hex) AS concat(
    hex[1:8], '-', hex[9:12], '-3', hex[14:16], '-',
    translate(hex[17], '0123456789abcdef', '89ab89ab89ab89ab'), hex[18:20], '-', hex[21:32]
)::UUID;
CREATE MACRO named_id(name) AS uuid_of(md5(getvariable('namespace') || encode(name)));
CREATE MACRO date_of(day) AS DATE '1970-01-01' + day::INTEGER;
CREATE MACRO oulad_id(name) AS named_id(concat(getvariable('institution'), '/oulad/', name));

-- B starts in February, J in October (Kuzilek et al. 2017); the official files give no date.
CREATE TABLE presentation AS
SELECT code_module AS module, code_presentation AS presentation,
       oulad_id(concat('course/', code_module, '/', code_presentation)) AS course_id,
       make_date(code_presentation[1:4]::INTEGER,
                 CASE code_presentation[5] WHEN 'B' THEN 2 ELSE 10 END, 1) - DATE '1970-01-01'
           AS start_day,
       module_presentation_length::INTEGER AS length_days
FROM courses
ANTI JOIN skipped ON module = code_module AND presentation = code_presentation;

CREATE TABLE item AS
SELECT module, presentation, course_id, id_site,
       oulad_id(concat('item/', module, '/', presentation, '/', id_site)) AS item_id,
       lower(activity_type) AS kind, week_from, week_to,
       row_number() OVER (PARTITION BY course_id ORDER BY week_from NULLS FIRST, id_site) AS position
FROM vle JOIN presentation ON module = code_module AND presentation = code_presentation;

-- Every learner of the source, also one who is only in a skipped presentation: views join it.
CREATE TABLE learner AS
SELECT id_student, oulad_id(concat('learner/', id_student)) AS user_id
FROM (SELECT DISTINCT id_student FROM studentInfo);

-- The same row twice is two facts: the occurrence number distinguishes them, in whatever order the
-- file has them, so the id is the same in every copy of the data.
CREATE TABLE view AS
SELECT start_day + date AS day, user_id, course_id, item_id, kind, sum_click AS clicks,
       oulad_id(concat('view/', module, '/', presentation, '/', id_student, '/', id_site, '/',
                       date, '/', sum_click, '/', occurrence)) AS event_id
FROM (
    SELECT *, unnest(range(1, times + 1)) AS occurrence
    FROM (SELECT code_module, code_presentation, id_student, id_site, date, sum_click,
                 count(*) AS times
          FROM studentVle GROUP BY ALL)
)
JOIN presentation ON module = code_module AND presentation = code_presentation
JOIN item USING (module, presentation, course_id, id_site)
JOIN learner USING (id_student)
ORDER BY day, user_id, event_id;

CREATE TABLE assessment AS
SELECT module, presentation, course_id, start_day, id_assessment,
       oulad_id(concat('assessment/', id_assessment)) AS assessment_id,
       lower(assessment_type) AS kind, weight,
       start_day + coalesce(date, length_days) AS due_day
FROM assessments JOIN presentation ON module = code_module AND presentation = code_presentation;

CREATE TABLE submission AS
SELECT oulad_id(concat('submission/', id_assessment, '/', id_student)) AS submission_id,
       assessment_id, user_id, course_id, kind, score, start_day + date_submitted AS day
FROM studentAssessment JOIN assessment USING (id_assessment) JOIN learner USING (id_student);

-- A registration without a date (some withdrew before the start) counts from the start or from the
-- withdrawal, whichever came first. Withdrawn without a date: at the end. Passing is known at the end.
CREATE TABLE enrollment AS
WITH dated AS (
    SELECT i.*, start_day, length_days, course_id, user_id, r.date_unregistration,
           start_day + coalesce(r.date_registration, least(0, r.date_unregistration)) AS day
    FROM studentInfo i
    JOIN studentRegistration r USING (code_module, code_presentation, id_student)
    JOIN presentation ON module = code_module AND presentation = code_presentation
    JOIN learner USING (id_student)
)
SELECT oulad_id(concat('enrollment/', code_module, '/', code_presentation, '/', id_student))
           AS enrollment_id,
       user_id, course_id, day,
       CASE WHEN date_unregistration IS NOT NULL OR final_result = 'Withdrawn'
            THEN greatest(day, start_day + coalesce(date_unregistration, length_days))
       END AS dropped_day,
       CASE WHEN date_unregistration IS NULL AND final_result IN ('Pass', 'Distinction')
            THEN greatest(day, start_day + length_days)
       END AS completed_day
FROM dated;

-- An account exists from the first thing we know of its learner; a course from its first learner.
CREATE TABLE first_seen AS
SELECT user_id, course_id, min(day) AS day
FROM (SELECT user_id, course_id, day FROM enrollment
      UNION ALL SELECT user_id, course_id, day FROM submission
      UNION ALL SELECT user_id, course_id, min(day) FROM view GROUP BY user_id, course_id)
GROUP BY user_id, course_id;

CREATE TABLE course AS
SELECT p.*, least(start_day, (SELECT min(day) FROM first_seen f WHERE f.course_id = p.course_id))
    AS day
FROM presentation p;

CREATE TABLE account AS
SELECT user_id, id_student, 'student' AS role, min(day) AS day
FROM first_seen JOIN learner USING (user_id) GROUP BY user_id, id_student
UNION ALL
SELECT oulad_id('instructor'), NULL, 'instructor', min(day) FROM course HAVING count(*) > 0;
