-- One course as it was known: of what had arrived by %(arrived)s, by the rule of known_learner_tiles.sql.
-- name: learners
-- Who is enrolled: since when, how many different items opened, which assessments handed in.
WITH enrolled AS (
    SELECT user_id, max(institution_id::text) AS institution,
           min(timestamp) FILTER (WHERE event_type = 'enrollment.created') AS enrolled_at,
           max(timestamp) FILTER (WHERE event_type = 'enrollment.created') AS last_enrolled_at,
           max(timestamp) FILTER (WHERE event_type = 'enrollment.dropped') AS dropped_at
    FROM activity_events
    WHERE topic = 'lms.enrollments.events' AND course_id = %(course_id)s
      AND event_type IN ('enrollment.created', 'enrollment.dropped')
      AND {arrived}
    GROUP BY user_id
), opened AS (
    SELECT user_id, item_id
    FROM enrolled CROSS JOIN LATERAL (
        SELECT DISTINCT item_id FROM activity_events e
        WHERE e.user_id = enrolled.user_id AND e.course_id = %(course_id)s
          AND e.topic = 'lms.content.events' AND {arrived}
    ) AS items
    WHERE enrolled_at IS NOT NULL AND (dropped_at IS NULL OR last_enrolled_at > dropped_at)
), submitted AS (
    SELECT user_id, array_agg(DISTINCT payload ->> 'assessment_id') AS assessments
    FROM activity_events
    WHERE topic = 'lms.assessments.events' AND course_id = %(course_id)s
      AND event_type = 'assessment.submitted' AND {arrived}
    GROUP BY user_id
)
SELECT user_id::text, institution, (extract(epoch FROM enrolled_at) * 1000000)::bigint,
       coalesce(count, 0), coalesce(assessments, '{}'),
       (SELECT count(DISTINCT item_id) FROM opened)
FROM enrolled
LEFT JOIN (SELECT user_id, count(*) FROM opened GROUP BY 1) AS counted USING (user_id)
LEFT JOIN submitted USING (user_id)
WHERE enrolled_at IS NOT NULL AND (dropped_at IS NULL OR last_enrolled_at > dropped_at)

-- name: due
-- When its work is due; what is archived is not.
SELECT assessment_id, (extract(epoch FROM due_at) * 1000000)::bigint
FROM (
    SELECT DISTINCT ON (1) payload ->> 'assessment_id' AS assessment_id,
           (payload ->> 'due_at')::timestamptz AS due_at
    FROM activity_events
    WHERE topic = 'lms.assessments.events' AND course_id = %(course_id)s
      AND event_type IN ('assessment.created', 'assessment.updated') AND {arrived}
    ORDER BY 1, timestamp DESC, event_id DESC
) AS set
LEFT JOIN (
    SELECT DISTINCT ON (1) payload ->> 'assessment_id' AS assessment_id, payload ->> 'status' AS status
    FROM activity_events
    WHERE topic = 'lms.courses.events' AND course_id = %(course_id)s
      AND event_type = 'assessment.described' AND {arrived}
    ORDER BY 1, (payload ->> 'revision')::int DESC, timestamp DESC, event_id DESC
) AS described USING (assessment_id)
WHERE due_at IS NOT NULL AND status IS DISTINCT FROM 'archived'
