-- Each event once, however often it was sent.
SELECT DISTINCT ON (event_id, moment, user_id) *, topic = 'lms.content.events' AS content,
       list_contains(getvariable('own_action_types'), event_type) AS own_action
FROM kafka_event
