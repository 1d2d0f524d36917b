SELECT institution_id, item_id, segment::INTEGER AS segment, count(*) AS watches,
       count(DISTINCT user_id) AS learners, count(*) - count(DISTINCT user_id) AS repeats
FROM (SELECT institution_id, item_id, user_id,
             unnest(range(floor(least(payload.from_s, 43200) / 5)::BIGINT,
                          ceil(least(payload.to_s, 43200) / 5)::BIGINT)) AS segment
      FROM distinct_payloads WHERE event_type = 'video.watched' AND payload.to_s > payload.from_s
                    AND least(payload.to_s, 43200) > least(payload.from_s, 43200))
GROUP BY ALL
