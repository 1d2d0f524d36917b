SELECT institution_id, course_id, kind, day,
       sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks
FROM expected_by_learner GROUP BY ALL
