-- about: every row of the archive is as its event (by digests)
-- covers: activity_events
-- key: institution_id, topic, event_type, day
-- name: expected
SELECT institution_id, topic, event_type, moment::DATE AS day, count(*) AS events,
       sum(('0x' || md5(concat_ws('/', event_id, epoch_us(moment), user_id, course_id, item_id, kind,
                                  clicks, device))[1:8])::BIGINT)::BIGINT AS digest
FROM distinct_events WHERE moment >= coalesce(getvariable('archive_begins_at'), '-infinity'::TIMESTAMP)
GROUP BY ALL
-- name: found
SELECT institution_id, topic, event_type, (timestamp AT TIME ZONE 'UTC')::date AS day,
       count(*) AS events,
       sum(('x' || left(md5(concat_ws('/', event_id, (extract(epoch FROM timestamp) * 1000000)::bigint,
                                      user_id, course_id, item_id, kind, clicks, payload ->> 'device')),
                        8))::bit(32)::bigint) AS digest
FROM activity_events, archive_kept WHERE timestamp >= coalesce(begins_at, '-infinity')
GROUP BY 1, 2, 3, 4
