-- name: purchase
SELECT course.status, array_remove(ARRAY[
    CASE WHEN %(about)s::uuid = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = %(about)s AND verified_at IS NOT NULL
    ) THEN 'guardian' END
], NULL) AS relations
FROM courses AS course
WHERE course.id = %(course_id)s AND course.institution_id = %(institution_id)s

-- name: order
SELECT bought.status, bought.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN bought.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = bought.user_id
          AND verified_at IS NOT NULL
    ) THEN 'guardian' END
], NULL) AS relations
FROM orders AS bought
WHERE bought.id = %(order_id)s AND bought.institution_id = %(institution_id)s

-- name: payment
SELECT payment.provider, bought.user_id AS person_id, array_remove(ARRAY[
    CASE WHEN bought.user_id = %(caller_id)s THEN 'self' END,
    CASE WHEN EXISTS (
        SELECT FROM guardians
        WHERE guardian_id = %(caller_id)s AND learner_id = bought.user_id
          AND verified_at IS NOT NULL
    ) THEN 'guardian' END
], NULL) AS relations
FROM payments AS payment
JOIN orders AS bought ON bought.id = payment.order_id
WHERE payment.id = %(payment_id)s AND payment.institution_id = %(institution_id)s
