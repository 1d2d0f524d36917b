-- about: each learner's hour in a course is right: content, work and scores
-- covers: learner_tiles
-- key: institution_id, user_id, course_id, hour_at
-- name: expected
-- Content and work apart, then side by side; the families of kinds in a table of their own.
WITH family(kind, name) AS (
    VALUES ('page', 'page'), ('oucontent', 'page'), ('homepage', 'page'), ('subpage', 'page'),
           ('sharedsubpage', 'page'), ('htmlactivity', 'page'), ('dualpane', 'page'),
           ('video', 'video'), ('quiz', 'quiz'), ('externalquiz', 'quiz'), ('questionnaire', 'quiz'),
           ('repeatactivity', 'quiz'), ('forum', 'forum'), ('forumng', 'forum'), ('ouwiki', 'forum'),
           ('oucollaborate', 'forum'), ('ouelluminate', 'forum'), ('document', 'resource'),
           ('external', 'resource'), ('resource', 'resource'), ('url', 'resource'),
           ('folder', 'resource'), ('glossary', 'resource'), ('dataplus', 'resource')),
content AS (
    SELECT institution_id, user_id, course_id, date_trunc('hour', moment)::TIMESTAMP AS hour_at,
           count(*) AS events, coalesce(sum(clicks), 0) AS clicks,
           sum(clicks) FILTER (WHERE name = 'page') AS clicks_page,
           sum(clicks) FILTER (WHERE name = 'video') AS clicks_video,
           sum(clicks) FILTER (WHERE name = 'quiz') AS clicks_quiz,
           sum(clicks) FILTER (WHERE name = 'forum') AS clicks_forum,
           sum(clicks) FILTER (WHERE name = 'resource') AS clicks_resource,
           count(*) FILTER (WHERE event_type = 'content.viewed') AS views,
           count(*) FILTER (WHERE event_type = 'content.completed') AS completions,
           count(*) FILTER (WHERE event_type = 'content.downloaded') AS downloads,
           count(*) FILTER (WHERE event_type = 'forum.posted') AS posts,
           count(*) FILTER (WHERE event_type = 'video.played') AS plays,
           min(moment) AS first_at, max(moment) AS last_at
    FROM distinct_events LEFT JOIN family USING (kind) WHERE content GROUP BY ALL),
watched AS (
    SELECT institution_id, user_id, course_id, date_trunc('hour', moment)::TIMESTAMP AS hour_at,
           sum(floor((payload.to_s - payload.from_s) * 1000 + 0.5)) AS watched_ms
    FROM distinct_payloads WHERE event_type = 'video.watched' AND payload.to_s > payload.from_s
    GROUP BY ALL),
handed_in AS (
    SELECT institution_id, user_id, course_id, date_trunc('hour', moment)::TIMESTAMP AS hour_at,
           count(*) AS submissions, count(payload.late) AS timed,
           count(*) FILTER (WHERE payload.late) AS late, min(moment) AS first_at, max(moment) AS last_at
    FROM distinct_payloads WHERE event_type = 'assessment.submitted' GROUP BY ALL),
graded AS (
    SELECT institution_id, user_id, course_id, date_trunc('hour', moment)::TIMESTAMP AS hour_at,
           count(*) - count(payload.previous_score) AS graded,
           sum(floor(payload.score * 1e6 + 0.5)
               - coalesce(floor(payload.previous_score * 1e6 + 0.5), 0)) AS score_millionths
    FROM distinct_payloads WHERE event_type = 'assessment.graded' GROUP BY ALL)
SELECT institution_id, user_id, course_id, hour_at,
       coalesce(events, 0)::BIGINT AS events, coalesce(clicks, 0)::BIGINT AS clicks,
       coalesce(clicks_page, 0)::BIGINT AS clicks_page, coalesce(clicks_video, 0)::BIGINT AS clicks_video,
       coalesce(clicks_quiz, 0)::BIGINT AS clicks_quiz, coalesce(clicks_forum, 0)::BIGINT AS clicks_forum,
       coalesce(clicks_resource, 0)::BIGINT AS clicks_resource, coalesce(views, 0)::BIGINT AS views,
       coalesce(completions, 0)::BIGINT AS completions, coalesce(downloads, 0)::BIGINT AS downloads,
       coalesce(posts, 0)::BIGINT AS posts, coalesce(plays, 0)::BIGINT AS plays,
       coalesce(watched_ms, 0)::BIGINT AS watched_ms, coalesce(submissions, 0)::BIGINT AS submissions,
       coalesce(timed, 0)::BIGINT AS timed, coalesce(late, 0)::BIGINT AS late,
       coalesce(graded, 0)::BIGINT AS graded, coalesce(score_millionths, 0)::BIGINT AS score_millionths,
       least(content.first_at, handed_in.first_at) AS first_at,
       greatest(content.last_at, handed_in.last_at) AS last_at
FROM content
FULL JOIN watched USING (institution_id, user_id, course_id, hour_at)
FULL JOIN handed_in USING (institution_id, user_id, course_id, hour_at)
FULL JOIN graded USING (institution_id, user_id, course_id, hour_at)
WHERE coalesce(events, submissions) > 0 OR graded > 0 OR score_millionths <> 0
-- name: found
SELECT * FROM (
    SELECT institution_id, user_id, course_id, hour_at AT TIME ZONE 'UTC' AS hour_at,
           sum(events)::bigint AS events, sum(clicks)::bigint AS clicks,
           sum(clicks_page)::bigint AS clicks_page, sum(clicks_video)::bigint AS clicks_video,
           sum(clicks_quiz)::bigint AS clicks_quiz, sum(clicks_forum)::bigint AS clicks_forum,
           sum(clicks_resource)::bigint AS clicks_resource, sum(views)::bigint AS views,
           sum(completions)::bigint AS completions, sum(downloads)::bigint AS downloads,
           sum(posts)::bigint AS posts, sum(plays)::bigint AS plays,
           round(sum(watched_s) * 1000)::bigint AS watched_ms,
           sum(submissions)::bigint AS submissions, sum(timed)::bigint AS timed,
           sum(late)::bigint AS late, sum(graded)::bigint AS graded,
           round(sum(score_sum) * 1000000)::bigint AS score_millionths,
           min(first_at) AT TIME ZONE 'UTC' AS first_at, max(last_at) AT TIME ZONE 'UTC' AS last_at
    FROM learner_tiles GROUP BY 1, 2, 3, 4
) AS of_parts
WHERE events > 0 OR submissions > 0 OR graded > 0 OR score_millionths <> 0
