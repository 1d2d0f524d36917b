-- The digest depends on every learner's row, so that one compared line stands for hundreds.
SELECT institution_id, course_id, day, count(*) AS learners, sum(events)::BIGINT AS events,
       sum(clicks)::BIGINT AS clicks,
       sum(('0x' || md5(concat_ws('/', user_id, events, clicks))[1:8])::BIGINT)::BIGINT AS digest
FROM (SELECT institution_id, course_id, hour_at::DATE AS day,
             CASE WHEN t.user_id NOT IN (SELECT e.user_id FROM lms_erased e) THEN t.user_id END
                 AS user_id,
             sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks
      FROM learner_tiles t WHERE events > 0 GROUP BY ALL)
GROUP BY ALL
