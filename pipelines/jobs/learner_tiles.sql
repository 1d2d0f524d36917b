-- Un-windowed sums per learner, course and hour, in partial sums by arrival: Flink forgets one that
-- nothing can be added to any more (ADR 11), and so its first and last moment; readers take the least
-- and the greatest over all. A day is a sum of its hours.
-- `weight` takes back what a repeated message added. First and last need no weight: a message that
-- repeats an event names the same moment.
-- Fractions are summed as whole numbers (milliseconds, millionths of a per cent), so that no order of
-- arrival makes another sum.
-- Without its Z a timestamp's text sorts as the moment does: what has a fraction comes after what
-- it begins with.

INSERT INTO learner_tiles
SELECT institution_id, user_id, course_id, hour_at, part,
       SUM(events), SUM(clicks), SUM(clicks_page), SUM(clicks_video), SUM(clicks_quiz),
       SUM(clicks_forum), SUM(clicks_resource), SUM(`views`), SUM(completions), SUM(downloads),
       SUM(posts), SUM(plays), SUM(watched_ms) / 1000e0, SUM(submissions), SUM(timed), SUM(late),
       SUM(graded), SUM(score) / 1000000e0, MIN(moment) || 'Z', MAX(moment) || 'Z'
FROM (
  SELECT institution_id, user_id, course_id, SUBSTRING(`timestamp`, 1, 13) || ':00:00Z' AS hour_at, part,
         weight AS events,
         n AS clicks,
         CASE WHEN kind IN ('page', 'oucontent', 'homepage', 'subpage', 'sharedsubpage', 'htmlactivity',
                            'dualpane') THEN n ELSE 0 END AS clicks_page,
         CASE WHEN kind = 'video' THEN n ELSE 0 END AS clicks_video,
         CASE WHEN kind IN ('quiz', 'externalquiz', 'questionnaire', 'repeatactivity')
              THEN n ELSE 0 END AS clicks_quiz,
         CASE WHEN kind IN ('forum', 'forumng', 'ouwiki', 'oucollaborate', 'ouelluminate')
              THEN n ELSE 0 END AS clicks_forum,
         CASE WHEN kind IN ('document', 'external', 'resource', 'url', 'folder', 'glossary', 'dataplus')
              THEN n ELSE 0 END AS clicks_resource,
         CASE WHEN event_type = 'content.viewed' THEN weight ELSE 0 END AS `views`,
         CASE WHEN event_type = 'content.completed' THEN weight ELSE 0 END AS completions,
         CASE WHEN event_type = 'content.downloaded' THEN weight ELSE 0 END AS downloads,
         CASE WHEN event_type = 'forum.posted' THEN weight ELSE 0 END AS posts,
         CASE WHEN event_type = 'video.played' THEN weight ELSE 0 END AS plays,
         CASE WHEN event_type = 'video.watched' AND to_s > from_s
              THEN weight * CAST(FLOOR((to_s - from_s) * 1000e0 + 5e-1) AS BIGINT)
              ELSE 0 END AS watched_ms,
         CAST(0 AS BIGINT) AS submissions, CAST(0 AS BIGINT) AS timed, CAST(0 AS BIGINT) AS late,
         CAST(0 AS BIGINT) AS graded, CAST(0 AS BIGINT) AS score,
         SUBSTRING(`timestamp`, 1, CHAR_LENGTH(`timestamp`) - 1) AS moment
  FROM (SELECT *, COALESCE(weight * clicks, 0) AS n FROM content_events)
  UNION ALL
  SELECT institution_id, user_id, course_id, SUBSTRING(`timestamp`, 1, 13) || ':00:00Z', part,
         0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
         CASE WHEN event_type = 'assessment.submitted' THEN weight ELSE 0 END,
         CASE WHEN event_type = 'assessment.submitted' AND late IS NOT NULL THEN weight ELSE 0 END,
         CASE WHEN event_type = 'assessment.submitted' AND late THEN weight ELSE 0 END,
         CASE WHEN event_type = 'assessment.graded' AND previous_score IS NULL THEN weight ELSE 0 END,
         CASE WHEN event_type = 'assessment.graded'
              THEN weight * (CAST(FLOOR(score * 1000000e0 + 5e-1) AS BIGINT)
                             - COALESCE(CAST(FLOOR(previous_score * 1000000e0 + 5e-1) AS BIGINT), 0))
              ELSE 0 END,
         CASE WHEN event_type = 'assessment.submitted'
              THEN SUBSTRING(`timestamp`, 1, CHAR_LENGTH(`timestamp`) - 1) END
  FROM assessments_events WHERE event_type IN ('assessment.submitted', 'assessment.graded')
)
GROUP BY institution_id, user_id, course_id, hour_at, part;
