-- Of whom there was an event about content in the four weeks before a moment, as known then: at most
-- %(most)s entities with the keys {keys}, chosen by a hash of these, so that it is the same choice again.
SELECT {texts}
FROM activity_events
WHERE topic = 'lms.content.events' AND timestamp > %(at)s - INTERVAL '28 days' AND timestamp <= %(at)s
  AND (%(at)s >= received_at
       OR source_service = 'importer' AND %(at)s >= timestamp + %(import_lag)s)
GROUP BY {keys}
ORDER BY md5(concat({keys}))
LIMIT %(most)s
