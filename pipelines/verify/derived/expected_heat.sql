SELECT institution_id, item_id, segment::INTEGER AS segment, count(*) AS watches,
       count(DISTINCT user_id) AS learners, count(*) - count(DISTINCT user_id) AS repeats
FROM (SELECT institution_id, item_id, user_id,
             unnest(range(floor(least(told.from_s, 43200) / 5)::BIGINT,
                          ceil(least(told.to_s, 43200) / 5)::BIGINT)) AS segment
      FROM a_told WHERE event_type = 'video.watched' AND told.to_s > told.from_s
                    AND least(told.to_s, 43200) > least(told.from_s, 43200))
GROUP BY ALL
