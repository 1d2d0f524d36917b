-- What the online store keeps of each entity: all time (grain 2), the days and the hours that windows
-- read (1, 0), and the tiles that may still change, as they were written (3).
WITH tiles AS (
    SELECT {entity}::text AS entity, institution_id::text AS institution, {course} AS course,
           extract(epoch FROM hour_at)::bigint AS at_s, part, {columns}
    FROM {table}
    WHERE %(only)s::uuid[] IS NULL OR {entity} = ANY (%(only)s::uuid[])
)
SELECT entity, institution, course, 2 AS grain, 0::bigint AS begins, 0::bigint AS of_part, {sums}
FROM tiles GROUP BY entity, institution, course
UNION ALL
SELECT entity, institution, course, 1, at_s / 86400 * 24, 0, {sums}
FROM tiles WHERE at_s >= %(days_from)s GROUP BY entity, institution, course, at_s / 86400
UNION ALL
SELECT entity, institution, course, 0, at_s / 3600, 0, {sums}
FROM tiles WHERE at_s >= %(hours_from)s GROUP BY entity, institution, course, at_s / 3600
UNION ALL
SELECT entity, institution, course, 3, at_s / 3600, part, {sums}
FROM tiles WHERE {written} AND part >= %(parts_from)s
GROUP BY entity, institution, course, at_s / 3600, part
ORDER BY 1, 2
