-- The history as rows of the LMS, as they stood at the start of `until_day`: a view per table, named
-- lms_<table>, with the table's column names. Names and addresses say plainly that nobody is meant.
CREATE MACRO midnight(day) AS date_of(day)::VARCHAR || 'T00:00:00Z';
CREATE MACRO before(day) AS day < getvariable('until_day');

CREATE MACRO email_of(role, id_student) AS
    CASE role WHEN 'student' THEN concat('oulad-', id_student) ELSE 'oulad-instructor' END
    || '@' || getvariable('institution') || '.invalid';
CREATE MACRO name_of(role, id_student) AS
    CASE role WHEN 'student' THEN concat('OULAD learner ', id_student) ELSE 'OULAD instructor' END;
CREATE MACRO profile_of(id_student) AS json_object('source', 'oulad', 'id_student', id_student);

CREATE VIEW lms_users AS
SELECT user_id AS id, email_of(role, id_student) AS email, name_of(role, id_student) AS name,
       role, midnight(day) AS created_at, midnight(day) AS updated_at, 'active' AS status,
       profile_of(id_student) AS profile,
       getvariable('institution') AS institution_id
FROM account WHERE before(day);

CREATE VIEW lms_user_roles AS
SELECT oulad_id(concat('role/', user_id)) AS id, user_id, role AS role_name,
       'institution' AS scope, midnight(day) AS created_at, getvariable('institution') AS institution_id
FROM account WHERE before(day);

CREATE VIEW lms_courses AS
SELECT course_id AS id, concat('Module ', module, ', presentation ', presentation) AS title,
       'An anonymised presentation of the Open University Learning Analytics Dataset' AS description,
       oulad_id('instructor') AS instructor_id, oulad_id('instructor') AS created_by,
       'published' AS status, midnight(day) AS created_at, midnight(day) AS updated_at,
       json_object('source', 'oulad', 'module', module, 'presentation', presentation,
                   'starts_on', date_of(start_day)::VARCHAR,
                   'length_days', length_days) AS metadata,
       getvariable('institution') AS institution_id
FROM course WHERE before(day);

-- Passing an OULAD module was decided by the university: neither items nor work complete it.
CREATE VIEW lms_content_items AS
SELECT item_id AS id, item.course_id, kind, concat(kind, ' ', id_site) AS title, position,
       FALSE AS required, midnight(course.day) AS created_at, midnight(course.day) AS updated_at,
       json_object('source', 'oulad', 'id_site', id_site, 'week_from', week_from,
                   'week_to', week_to) AS metadata,
       getvariable('institution') AS institution_id
FROM item JOIN course USING (course_id) WHERE before(course.day);

CREATE VIEW lms_enrollments AS
WITH handed_in AS (
    SELECT user_id, course_id, count(*) AS done FROM submission WHERE before(day) GROUP BY ALL
), planned AS (
    SELECT course_id, count(*) AS pieces FROM assessment GROUP BY course_id
)
SELECT enrollment_id AS id, user_id, course_id,
       CASE WHEN before(completed_day) THEN 100
            ELSE round(100.0 * coalesce(done, 0) / coalesce(pieces, 1), 2) END AS progress,
       CASE WHEN before(completed_day) THEN 'completed'
            WHEN before(dropped_day) THEN 'dropped' ELSE 'enrolled' END AS status,
       CASE WHEN before(completed_day) THEN midnight(completed_day) END AS completed_at,
       CASE WHEN before(dropped_day) THEN midnight(dropped_day) END AS dropped_at,
       midnight(day) AS created_at, getvariable('institution') AS institution_id
FROM enrollment
LEFT JOIN handed_in USING (user_id, course_id)
LEFT JOIN planned USING (course_id)
WHERE before(day);

CREATE VIEW lms_assessments AS
SELECT assessment_id AS id, a.course_id, a.kind,
       concat(upper(a.kind), ' ', id_assessment) AS title, midnight(due_day) AS due_at, weight,
       FALSE AS required, midnight(course.day) AS created_at, midnight(course.day) AS updated_at,
       getvariable('institution') AS institution_id
FROM assessment a JOIN course USING (course_id) WHERE before(course.day);

-- OULAD does not say when work was graded: with the submission.
CREATE VIEW lms_submissions AS
SELECT submission_id AS id, assessment_id, user_id, course_id, midnight(day) AS submitted_at,
       score, CASE WHEN score IS NOT NULL THEN midnight(day) END AS graded_at, midnight(day) AS created_at,
       getvariable('institution') AS institution_id
FROM submission WHERE before(day);
