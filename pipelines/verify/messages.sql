-- Every message, for what is computed of it independently of the pipeline.
CREATE TABLE kafka_event (
    event_id UUID, event_type VARCHAR, topic VARCHAR, moment TIMESTAMP, institution_id UUID,
    user_id UUID, course_id UUID, item_id UUID, kind VARCHAR, clicks BIGINT, device VARCHAR
);
-- The rare ones with their payload: statements over it read `payload.<field>`.
CREATE TABLE kafka_payload (
    event_id UUID, event_type VARCHAR, moment TIMESTAMP, institution_id UUID, user_id UUID,
    course_id UUID, item_id UUID, kind VARCHAR, payload {payload}
);
-- The offset after the last message of each partition.
CREATE TABLE kafka_end (topic VARCHAR, partition INTEGER, next_offset BIGINT);
-- By topic: how many of the events came from the archive, because Kafka no longer has them, and how many
-- messages those had been, each repeated one as often as it came.
CREATE TABLE before_kafka (topic VARCHAR, events BIGINT, arrived BIGINT);
