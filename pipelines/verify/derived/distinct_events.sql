-- Each event once, however often it was sent.
SELECT DISTINCT ON (event_id, moment, user_id) *, topic = 'lms.content.events' AS content,
       topic = 'lms.content.events' OR event_type IN
           ('assessment.submitted', 'recommendation.clicked', 'recommendation.dismissed') AS own_action
FROM kafka_event
