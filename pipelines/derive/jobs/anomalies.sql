-- Events that claim to be from more than five minutes after they arrived.
INSERT INTO clock_skew AS t (bucket_at, institution_id, source_service, events, most_ahead_ms)
SELECT date_bin('1 hour', received_at, 'epoch'), institution_id, source_service, count(*),
       max((extract(epoch FROM at - received_at) * 1000)::bigint)
FROM new_events WHERE source_service IS NOT NULL
GROUP BY 1, 2, 3
ON CONFLICT (bucket_at, institution_id, source_service) DO UPDATE SET
    events = t.events + EXCLUDED.events,
    most_ahead_ms = greatest(t.most_ahead_ms, EXCLUDED.most_ahead_ms);
