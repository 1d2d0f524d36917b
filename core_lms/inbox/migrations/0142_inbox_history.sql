-- A consumer that begins when Kafka has its topic's first events no longer applies those that were
-- archived up to this batch first, and goes on in Kafka where the archive stood then. The row goes when
-- that is done; how far it has come is its position of partition -1.
CREATE TABLE inbox_history (
    consumer TEXT NOT NULL,
    topic TEXT NOT NULL,
    upto_batch BIGINT NOT NULL,
    PRIMARY KEY (consumer, topic)
);
SELECT shared_table('inbox_history', 'SELECT, INSERT, DELETE');
