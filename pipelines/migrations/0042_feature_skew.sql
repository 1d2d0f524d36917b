-- Whether what serving read is what the archive says: a row per feature and measurement
-- (`learnstream skew`), for panels and alerts.
CREATE TABLE feature_skew (
    measured_at    timestamptz      NOT NULL,
    feature_view   text             NOT NULL,
    feature        text             NOT NULL,
    compared       bigint           NOT NULL,
    equal          bigint           NOT NULL,
    missing        bigint           NOT NULL,
    extra          bigint           NOT NULL,
    difference_max double precision NOT NULL,
    PRIMARY KEY (measured_at, feature_view, feature)
);
COMMENT ON TABLE feature_skew IS 'how many served features are what the archive says';
