-- title: Served features
-- question: Do the recommender's features at serving agree with what training would read?
-- picture: table
-- unit: times
-- order: 25
-- size: 12
-- label feature: feature
-- label compared: compared
-- label equal: equal
-- unit equal: percent
-- label missing: null when served
-- label extra: null in the archive
-- label difference_max: greatest difference
-- span: the newest comparison
-- note: Serving keeps a sample of what it reads; ./learnstream skew counts the same moments again from the archive. Promotion wants 99.99 %.
-- empty: Nothing was compared yet. ./learnstream skew compares what serving has read.
SELECT feature_view || ':' || feature AS feature, compared,
       round(100.0 * equal / compared, 4) AS equal, missing, extra, difference_max
FROM feature_skew
WHERE measured_at = (SELECT max(measured_at) FROM feature_skew)
ORDER BY equal, feature;
