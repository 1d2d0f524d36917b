-- The archive by moment, for panels that look at the last minutes or at what is not content.

-- Content events arrive nearly in the order they happened: a few pages of index find a span of time.
CREATE INDEX activity_events_moment ON activity_events
    USING brin (timestamp) WITH (pages_per_range = 128, autosummarize = on);
-- Enrollments, submissions, recommendations: a hundredth of the rows, asked for by topic.
CREATE INDEX activity_events_other_topics ON activity_events (topic, timestamp)
    WHERE topic <> 'lms.content.events';
