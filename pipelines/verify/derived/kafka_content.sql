SELECT institution_id, course_id, kind, day,
       sum(events)::BIGINT AS events, sum(clicks)::BIGINT AS clicks
FROM kafka_count WHERE topic = 'lms.content.events' GROUP BY ALL
