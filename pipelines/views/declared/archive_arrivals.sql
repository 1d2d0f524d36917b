-- about: how messages arrived; repeated ones count as often as they came
-- source: the archive
-- key: hour_at, topic
-- column hour_at timestamp with time zone: start of the hour of arrival (UTC)
-- column topic text:
-- column events bigint: messages
-- column late bigint: of them those that had happened more than an hour before
-- column future bigint: of them those whose clock was more than five minutes ahead
SELECT hour_at, topic, events, late, future FROM public.archive_arrivals
