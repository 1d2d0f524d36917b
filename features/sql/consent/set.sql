-- The newest choice counts, in whatever order events arrive.
INSERT INTO features.consent AS known (user_id, purpose, given, changed_at)
VALUES (%(user_id)s, %(purpose)s, %(given)s, %(changed_at)s)
ON CONFLICT (user_id, purpose) DO UPDATE SET
    given = CASE WHEN excluded.changed_at >= known.changed_at THEN excluded.given
                 ELSE known.given END,
    changed_at = greatest(known.changed_at, excluded.changed_at)
RETURNING given
