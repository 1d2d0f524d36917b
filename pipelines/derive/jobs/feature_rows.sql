-- Whose features are to be told again; the rows are made when the step is over (features.py).
INSERT INTO learner_features_due
SELECT DISTINCT ON (user_id) user_id, institution_id FROM seen
WHERE fresh AND own ORDER BY user_id, institution_id
ON CONFLICT DO NOTHING;

INSERT INTO learner_features_due
SELECT DISTINCT ON (user_id) user_id, institution_id FROM told
WHERE event_type = 'assessment.graded' ORDER BY user_id, institution_id
ON CONFLICT DO NOTHING;

INSERT INTO item_features_due
SELECT DISTINCT ON (item_id) item_id, institution_id FROM seen
WHERE fresh AND content AND item_id IS NOT NULL ORDER BY item_id, institution_id
ON CONFLICT DO NOTHING;
