CREATE TABLE kafka_count (
    topic VARCHAR, event_type VARCHAR, institution_id UUID, course_id UUID, kind VARCHAR, day DATE,
    events BIGINT, clicks BIGINT
);
CREATE TABLE kafka_id (institution_id UUID, event_id UUID);
CREATE TABLE kafka_graded_submission (institution_id UUID, course_id UUID, submission_id UUID);
-- Every event once, for what is computed of it independently of the pipeline.
CREATE TABLE kafka_event (
    event_id UUID, event_type VARCHAR, content BOOLEAN, moment TIMESTAMP, institution_id UUID,
    user_id UUID, course_id UUID, item_id UUID, kind VARCHAR, clicks BIGINT, device VARCHAR
);
-- The rare ones with what they tell: statements over it read `told.<field>`.
CREATE TABLE kafka_told (
    event_id UUID, event_type VARCHAR, moment TIMESTAMP, institution_id UUID, user_id UUID,
    course_id UUID, item_id UUID, kind VARCHAR, told STRUCT(
        submission_id VARCHAR, assessment_id VARCHAR, question_id VARCHAR,
        recommendation_id VARCHAR, response VARCHAR, source VARCHAR, model VARCHAR, arm VARCHAR,
        due_at VARCHAR, from_s DOUBLE, to_s DOUBLE, progress DOUBLE, score DOUBLE, points DOUBLE,
        max_points DOUBLE, seconds DOUBLE, weight DOUBLE, pass_score DOUBLE, attempt BIGINT,
        "position" BIGINT, late BOOLEAN, passed BOOLEAN, correct BOOLEAN)
);
