-- The newest word counts, in whatever order events arrive; erased stays erased.
INSERT INTO features.consent AS known (user_id, given, erased, changed_at)
VALUES (%(user_id)s, %(given)s, %(erased)s, %(changed_at)s)
ON CONFLICT (user_id) DO UPDATE SET
    given = CASE WHEN excluded.changed_at >= known.changed_at THEN excluded.given
                 ELSE known.given END,
    erased = known.erased OR excluded.erased,
    changed_at = greatest(known.changed_at, excluded.changed_at)
RETURNING given AND NOT erased AS allowed
