-- Rows of the source that the mapping could not carry: (table, column, rowid, what is wrong).
-- The first one stops the import; a source that is half right would give totals nobody can check.
WITH odd AS (
    SELECT 'courses' AS table_name, 'code_presentation' AS column_name, rowid AS row_id,
           format('{} is not a year and B (February) or J (October)', code_presentation) AS message
    FROM courses WHERE NOT regexp_full_match(code_presentation, '(19|20)[0-9]{2}[BJ]')
    UNION ALL
    SELECT 'courses', 'code_module', rowid, format('{} is not a plain code', code_module)
    FROM courses WHERE NOT regexp_full_match(code_module, '[A-Za-z0-9_-]{1,20}')
    UNION ALL
    SELECT 'courses', 'code_presentation', max(rowid),
           format('{} {} is there twice', code_module, code_presentation)
    FROM courses GROUP BY code_module, code_presentation HAVING count(*) > 1
    UNION ALL
    SELECT 'courses', 'module_presentation_length', rowid,
           format('{} days is not a length', module_presentation_length)
    FROM courses WHERE module_presentation_length NOT BETWEEN 1 AND 1000
    UNION ALL
    SELECT 'assessments', 'id_assessment', max(rowid), format('{} is there twice', id_assessment)
    FROM assessments GROUP BY id_assessment HAVING count(*) > 1
    UNION ALL
    SELECT 'assessments', 'assessment_type', rowid, format('{} is not a kind', assessment_type)
    FROM assessments
    WHERE NOT regexp_full_match(lower(assessment_type), '[a-z][a-z0-9_]{0,31}')
    UNION ALL
    SELECT 'assessments', 'weight', rowid, format('{} is not from 0 to 100', weight)
    FROM assessments WHERE NOT (weight BETWEEN 0 AND 100)
    UNION ALL
    SELECT 'assessments', 'code_presentation', a.rowid,
           format('{} {} is not in courses', code_module, code_presentation)
    FROM assessments a ANTI JOIN courses USING (code_module, code_presentation)
    UNION ALL
    SELECT 'vle', 'id_site', max(rowid), format('{} is there twice', id_site)
    FROM vle GROUP BY code_module, code_presentation, id_site HAVING count(*) > 1
    UNION ALL
    SELECT 'vle', 'activity_type', rowid, format('{} is not a kind', activity_type)
    FROM vle WHERE NOT regexp_full_match(lower(activity_type), '[a-z][a-z0-9_]{0,31}')
    UNION ALL
    SELECT 'vle', 'code_presentation', v.rowid,
           format('{} {} is not in courses', code_module, code_presentation)
    FROM vle v ANTI JOIN courses USING (code_module, code_presentation)
    UNION ALL
    SELECT 'studentInfo', 'id_student', max(rowid),
           format('{} is twice in {} {}', id_student, code_module, code_presentation)
    FROM studentInfo GROUP BY code_module, code_presentation, id_student HAVING count(*) > 1
    UNION ALL
    SELECT 'studentInfo', 'final_result', rowid,
           format('{} is not Pass, Distinction, Fail or Withdrawn', final_result)
    FROM studentInfo WHERE final_result NOT IN ('Pass', 'Distinction', 'Fail', 'Withdrawn')
    UNION ALL
    SELECT 'studentInfo', 'code_presentation', i.rowid,
           format('{} {} is not in courses', code_module, code_presentation)
    FROM studentInfo i ANTI JOIN courses USING (code_module, code_presentation)
    UNION ALL
    SELECT 'studentInfo', 'id_student', i.rowid,
           format('{} has no row in studentRegistration', id_student)
    FROM studentInfo i
    ANTI JOIN studentRegistration USING (code_module, code_presentation, id_student)
    UNION ALL
    SELECT 'studentRegistration', 'id_student', max(rowid),
           format('{} is twice in {} {}', id_student, code_module, code_presentation)
    FROM studentRegistration GROUP BY code_module, code_presentation, id_student HAVING count(*) > 1
    UNION ALL
    SELECT 'studentRegistration', 'id_student', r.rowid,
           format('{} is not in studentInfo of {} {}', id_student, code_module, code_presentation)
    FROM studentRegistration r
    ANTI JOIN studentInfo USING (code_module, code_presentation, id_student)
    UNION ALL
    SELECT 'studentRegistration', 'date_registration', rowid,
           format('day {} is too far from the start', date_registration)
    FROM studentRegistration WHERE date_registration NOT BETWEEN -2000 AND 2000
    UNION ALL
    SELECT 'studentRegistration', 'date_unregistration', rowid,
           format('day {} is too far from the start', date_unregistration)
    FROM studentRegistration WHERE date_unregistration NOT BETWEEN -2000 AND 2000
    UNION ALL
    SELECT 'studentAssessment', 'score', rowid, format('{} is not from 0 to 100', score)
    FROM studentAssessment WHERE NOT (score BETWEEN 0 AND 100)
    UNION ALL
    SELECT 'studentAssessment', 'date_submitted', rowid,
           format('day {} is too far from the start', date_submitted)
    FROM studentAssessment WHERE date_submitted NOT BETWEEN -2000 AND 2000
    UNION ALL
    SELECT 'studentAssessment', 'id_assessment', s.rowid,
           format('{} is not in assessments', id_assessment)
    FROM studentAssessment s ANTI JOIN assessments USING (id_assessment)
    UNION ALL
    SELECT 'studentAssessment', 'id_student', max(rowid),
           format('{} handed in {} twice', id_student, id_assessment)
    FROM studentAssessment GROUP BY id_assessment, id_student HAVING count(*) > 1
    UNION ALL
    SELECT 'studentAssessment', 'id_student', s.row_id,
           format('{} is not in studentInfo of {} {}', id_student, code_module, code_presentation)
    FROM (SELECT s.rowid AS row_id, id_student, code_module, code_presentation
          FROM studentAssessment s JOIN assessments USING (id_assessment)) s
    ANTI JOIN studentInfo USING (code_module, code_presentation, id_student)
    UNION ALL
    SELECT 'studentVle', 'sum_click', rowid, format('{} is not a number of clicks', sum_click)
    FROM studentVle WHERE sum_click NOT BETWEEN 1 AND 2147483647
    UNION ALL
    SELECT 'studentVle', 'date', rowid, format('day {} is too far from the start', date)
    FROM studentVle WHERE date NOT BETWEEN -2000 AND 2000
    UNION ALL
    SELECT 'studentVle', 'id_site', s.rowid,
           format('{} is not in vle of {} {}', id_site, code_module, code_presentation)
    FROM studentVle s ANTI JOIN vle USING (code_module, code_presentation, id_site)
    UNION ALL
    SELECT 'studentVle', 'id_student', s.rowid,
           format('{} is not in studentInfo of {} {}', id_student, code_module, code_presentation)
    FROM studentVle s ANTI JOIN studentInfo USING (code_module, code_presentation, id_student)
)
SELECT table_name, column_name, row_id, message FROM odd
ORDER BY list_position( -- the cause before what follows from it
    ['courses', 'assessments', 'vle', 'studentInfo', 'studentRegistration', 'studentAssessment'],
    table_name
) NULLS LAST, row_id
LIMIT 1
