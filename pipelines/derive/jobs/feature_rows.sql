-- Whose features have changed; features.py publishes their rows after the step.
INSERT INTO learner_activity_due (entity_id, institution_id)
SELECT user_id, institution_id FROM learner_minute GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT DO NOTHING;

INSERT INTO learner_features_due (entity_id, institution_id)
SELECT user_id, institution_id FROM active_day GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT DO NOTHING;

INSERT INTO learner_features_due (entity_id, institution_id)
SELECT DISTINCT ON (user_id) user_id, institution_id FROM payload_events
WHERE event_type IN ('assessment.graded', 'enrollment.created') ORDER BY user_id, institution_id
ON CONFLICT DO NOTHING;

-- An assessment that is set or moved is due, or missed, for everybody in its course: courses first,
-- because a step may bring thousands of enrollments and hundreds of assessments.
WITH moved AS MATERIALIZED (
    SELECT course_id, institution_id FROM payload_events
    WHERE event_type IN ('assessment.created', 'assessment.updated') GROUP BY 1, 2
)
INSERT INTO learner_features_due (entity_id, institution_id)
SELECT c.user_id, c.institution_id
FROM moved JOIN learner_course c USING (course_id, institution_id)
WHERE c.enrolled_at IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT DO NOTHING;

INSERT INTO item_features_due (entity_id, institution_id)
SELECT item_id, institution_id FROM new_events WHERE content GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT DO NOTHING;
