CREATE TABLE kafka_count (
    topic VARCHAR, event_type VARCHAR, institution_id UUID, course_id UUID, kind VARCHAR, day DATE,
    events BIGINT, clicks BIGINT
);
CREATE TABLE kafka_id (institution_id UUID, event_id UUID);
CREATE TABLE kafka_graded_submission (institution_id UUID, course_id UUID, submission_id UUID);
