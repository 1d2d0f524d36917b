-- Un-windowed sums per bucket: an event that comes late, however late, corrects its bucket.
-- A bucket is the beginning of the timestamp's text, which is always in UTC; cutting text is
-- cheaper per event than parsing a moment and rounding it. Hours and days are sums of minutes: the
-- same subquery is one node of the plan, so an event is counted once, in its minute.
-- `weight` takes back what a repeated message had added (contracts.flink.view). `part` says when a
-- message arrived (pipelines.application): a bucket's sum is kept per part, so that Flink may forget
-- a part that nothing more can come to.

INSERT INTO course_activity_minute
SELECT bucket_at, institution_id, course_id, kind, part, SUM(weight) AS events,
       SUM(weight * COALESCE(clicks, 0)) AS clicks
FROM (SELECT SUBSTRING(`timestamp`, 1, 16) || ':00Z' AS bucket_at, * FROM content_events)
GROUP BY bucket_at, institution_id, course_id, kind, part;

INSERT INTO course_activity_{grain}
SELECT {grain}_at, institution_id, course_id, kind, part, SUM(events), SUM(clicks)
FROM (
  SELECT SUBSTRING(bucket_at, 1, {length}) || '{rest}' AS {grain}_at, institution_id, course_id, kind,
         part, events, clicks
  FROM (
    SELECT bucket_at, institution_id, course_id, kind, part, SUM(weight) AS events,
           SUM(weight * COALESCE(clicks, 0)) AS clicks
    FROM (SELECT SUBSTRING(`timestamp`, 1, 16) || ':00Z' AS bucket_at, * FROM content_events)
    GROUP BY bucket_at, institution_id, course_id, kind, part
  )
)
GROUP BY {grain}_at, institution_id, course_id, kind, part;
