SELECT DISTINCT ON ({entity}) {entity}, institution_id, event_timestamp, {columns}
FROM {table}
ORDER BY {entity}, event_timestamp DESC
