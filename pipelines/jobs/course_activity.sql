-- Un-windowed sums per bucket: an event that comes late, however late, corrects its bucket's row.
-- A bucket is the beginning of the timestamp's text, which is always in UTC; cutting text is
-- cheaper per event than parsing a moment and rounding it.

INSERT INTO course_activity_minute
SELECT bucket_at, institution_id, course_id, kind, COUNT(*), SUM(COALESCE(clicks, 0))
FROM (SELECT SUBSTRING(`timestamp`, 1, 16) || ':00Z' AS bucket_at, * FROM content_events)
GROUP BY bucket_at, institution_id, course_id, kind;

INSERT INTO course_activity_hour
SELECT bucket_at, institution_id, course_id, kind, COUNT(*), SUM(COALESCE(clicks, 0))
FROM (SELECT SUBSTRING(`timestamp`, 1, 13) || ':00:00Z' AS bucket_at, * FROM content_events)
GROUP BY bucket_at, institution_id, course_id, kind;

INSERT INTO course_activity_day
SELECT bucket_at, institution_id, course_id, kind, COUNT(*), SUM(COALESCE(clicks, 0))
FROM (SELECT SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS bucket_at, * FROM content_events)
GROUP BY bucket_at, institution_id, course_id, kind;

INSERT INTO learner_course_day
SELECT bucket_at, institution_id, course_id, user_id, COUNT(*), SUM(COALESCE(clicks, 0))
FROM (SELECT SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS bucket_at, * FROM content_events)
GROUP BY bucket_at, institution_id, course_id, user_id;
