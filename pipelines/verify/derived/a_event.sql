-- Each event once, whoever sent it again.
SELECT DISTINCT ON (event_id, moment, user_id) *, topic = 'lms.content.events' AS content,
       topic = 'lms.content.events' OR event_type IN
           ('assessment.submitted', 'recommendation.clicked', 'recommendation.dismissed') AS own
FROM kafka_event
