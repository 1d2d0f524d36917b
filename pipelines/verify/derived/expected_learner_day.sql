SELECT institution_id, course_id, day, count(*) AS learners,
       sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks,
       sum(('0x' || md5(concat_ws('/', user_id, events, clicks))[1:8])::BIGINT)::BIGINT AS digest
FROM (SELECT institution_id, course_id, user_id, day,
             sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks
      FROM expected_by_learner GROUP BY ALL)
GROUP BY ALL
