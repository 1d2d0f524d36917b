-- Imported days of the sources, and all that came over HTTP.
SELECT institution_id, course_id, user_id, kind, day,
       sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks
FROM (FROM source_content UNION ALL BY NAME FROM lms_content) GROUP BY ALL
