-- Hour tiles of each question in `asked`, of what had arrived by its moment; the columns as
-- pipelines/jobs/learner_tiles.sql makes them, in whole numbers (contracts/tiles.py). Of imported
-- history the archive knows only when it was imported: it counts as arrived by its own time and a lag,
-- or by then. What no window of hours reads is summed by day, what none of days reads as hour 0, so
-- that a question costs at most as many rows as there are tiles to read.
SELECT n, max(institution_id::text) AS institution,
       CASE WHEN timestamp > at - INTERVAL '26 hours'
            THEN floor(extract(epoch FROM timestamp) / 3600)::bigint
            WHEN timestamp > at - INTERVAL '36 days'
            THEN floor(extract(epoch FROM timestamp) / 86400)::bigint * 24
            ELSE 0 END AS hour,
       count(*) FILTER (WHERE content) AS events,
       coalesce(sum(clicks) FILTER (WHERE content), 0)::bigint AS clicks,
       coalesce(sum(clicks) FILTER (WHERE kind IN ('page', 'oucontent', 'homepage', 'subpage',
           'sharedsubpage', 'htmlactivity', 'dualpane')), 0)::bigint AS clicks_page,
       coalesce(sum(clicks) FILTER (WHERE kind = 'video'), 0)::bigint AS clicks_video,
       coalesce(sum(clicks) FILTER (WHERE kind IN ('quiz', 'externalquiz', 'questionnaire',
           'repeatactivity')), 0)::bigint AS clicks_quiz,
       coalesce(sum(clicks) FILTER (WHERE kind IN ('forum', 'forumng', 'ouwiki', 'oucollaborate',
           'ouelluminate')), 0)::bigint AS clicks_forum,
       coalesce(sum(clicks) FILTER (WHERE kind IN ('document', 'external', 'resource', 'url', 'folder',
           'glossary', 'dataplus')), 0)::bigint AS clicks_resource,
       count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
       count(*) FILTER (WHERE event_type = 'content.completed') AS completions,
       count(*) FILTER (WHERE event_type = 'content.downloaded') AS downloads,
       count(*) FILTER (WHERE event_type = 'forum.posted') AS posts,
       count(*) FILTER (WHERE event_type = 'video.played') AS plays,
       coalesce(sum(floor(((payload ->> 'to_s')::float8 - (payload ->> 'from_s')::float8) * 1000 + 0.5))
           FILTER (WHERE event_type = 'video.watched'
                     AND (payload ->> 'to_s')::float8 > (payload ->> 'from_s')::float8), 0)::bigint
           AS watched_s,
       count(*) FILTER (WHERE event_type = 'assessment.submitted') AS submissions,
       count(*) FILTER (WHERE event_type = 'assessment.submitted' AND payload ->> 'late' IS NOT NULL)
           AS timed,
       count(*) FILTER (WHERE event_type = 'assessment.submitted' AND (payload ->> 'late')::boolean)
           AS late,
       count(*) FILTER (WHERE event_type = 'assessment.graded' AND payload ->> 'previous_score' IS NULL)
           AS graded,
       coalesce(sum(floor((payload ->> 'score')::float8 * 1000000 + 0.5)
                    - coalesce(floor((payload ->> 'previous_score')::float8 * 1000000 + 0.5), 0))
           FILTER (WHERE event_type = 'assessment.graded'), 0)::bigint AS score_sum,
       coalesce((extract(epoch FROM min(timestamp) FILTER (WHERE own)) * 1000000)::bigint, 0) AS first_at,
       coalesce((extract(epoch FROM max(timestamp) FILTER (WHERE own)) * 1000000)::bigint, 0) AS last_at
FROM (
    SELECT a.n, a.at, e.institution_id, e.timestamp, e.event_type, e.kind, e.clicks, e.payload,
           e.topic = 'lms.content.events' AS content,
           e.event_type <> 'assessment.graded' AS own
    FROM asked a
    JOIN activity_events e ON e.user_id = a.id AND (a.course_id IS NULL OR e.course_id = a.course_id)
    WHERE (e.topic = 'lms.content.events' OR e.event_type IN ('assessment.submitted', 'assessment.graded'))
      AND e.course_id IS NOT NULL
      AND (a.at >= e.received_at
           OR e.source_service = 'importer'
              AND a.at >= e.timestamp + CASE e.event_type WHEN 'assessment.graded'
                                        THEN %(marking_lag)s ELSE %(import_lag)s END)
) AS known
GROUP BY n, hour
