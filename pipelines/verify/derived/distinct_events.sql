-- Each event once, however often it was sent.
SELECT DISTINCT ON (event_id, moment, user_id) *, topic = 'lms.content.events' AS content,
       list_contains(getvariable('learner_actions'), event_type) AS own_action
FROM kafka_event
