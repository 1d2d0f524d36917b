-- about: how many of the features that serving read are what the archive says for the same moments
-- source: the command skew
-- key: measured_at, feature_view, feature
-- column measured_at timestamp with time zone: when it was compared
-- column feature_view text: the feature view
-- column feature text: the feature
-- column compared bigint: values that were compared, of all that is kept of what serving read
-- column equal bigint: those that the archive says, too
-- column missing bigint: those that were null when served and are none in the archive
-- column extra bigint: those that are null in the archive and were none when served
-- column difference_max double precision: the greatest size of a difference between two numbers
SELECT measured_at, feature_view, feature, compared, equal, missing, extra, difference_max
FROM public.feature_skew
