SELECT institution_id, course_id, user_id,
       min(moment) FILTER (WHERE event_type = 'enrollment.created') AS enrolled_at,
       max(moment) FILTER (WHERE event_type = 'enrollment.created') AS last_enrolled_at,
       min(moment) FILTER (WHERE content) AS first_activity_at,
       min(moment) FILTER (WHERE event_type = 'course.completed') AS completed_at,
       max(moment) FILTER (WHERE event_type = 'enrollment.dropped') AS dropped_at,
       max_by(t.progress, (moment, event_id)) FILTER (WHERE t.progress IS NOT NULL) AS progress
FROM distinct_events LEFT JOIN (SELECT event_id, payload.progress AS progress FROM distinct_payloads
                        WHERE event_type = 'enrollment.progressed') AS t USING (event_id)
WHERE content OR event_type IN ('enrollment.created', 'enrollment.progressed',
                                'enrollment.dropped', 'course.completed')
GROUP BY ALL
