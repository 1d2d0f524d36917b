-- What the source amounts to, counted from its raw rows; courses and learners are found in the
-- LMS (tables lms_course, lms_learner), so a wrong mapping shows as a difference.
CREATE TABLE presented AS
SELECT code_module, code_presentation, course_id, institution_id,
       make_date(code_presentation[1:4]::INTEGER,
                 CASE code_presentation[5] WHEN 'B' THEN 2 ELSE 10 END, 1) AS starts_on
FROM courses
JOIN wanted ON presentation = concat(code_module, '/', code_presentation)
LEFT JOIN lms_course USING (code_module, code_presentation);

INSERT INTO source_content
SELECT institution_id, course_id, user_id, lower(activity_type),
       starts_on + date::INTEGER AS day, count(*), sum(sum_click)
FROM studentVle
JOIN presented USING (code_module, code_presentation)
JOIN vle USING (code_module, code_presentation, id_site)
LEFT JOIN lms_learner USING (id_student)
WHERE day < getvariable('until')
GROUP BY ALL;

INSERT INTO source_enrollment
SELECT institution_id, course_id, user_id,
       starts_on + coalesce(date_registration, least(0, date_unregistration))::INTEGER AS day, 1
FROM studentRegistration
JOIN presented USING (code_module, code_presentation)
LEFT JOIN lms_learner USING (id_student)
WHERE day < getvariable('until');

INSERT INTO source_submission
SELECT institution_id, course_id, user_id, lower(assessment_type),
       starts_on + date_submitted::INTEGER AS day, count(*)
FROM studentAssessment
JOIN assessments USING (id_assessment)
JOIN presented USING (code_module, code_presentation)
LEFT JOIN lms_learner USING (id_student)
WHERE day < getvariable('until')
GROUP BY ALL;
