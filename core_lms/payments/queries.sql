-- name: retire_price
UPDATE prices SET retired_at = now()
WHERE course_id = %(course_id)s AND currency = %(currency)s AND retired_at IS NULL
RETURNING {price}

-- name: insert_price
INSERT INTO prices (id, course_id, currency, amount_minor, institution_id)
VALUES (%(id)s, %(course_id)s, %(currency)s, %(amount_minor)s, %(institution_id)s)
RETURNING {price}

-- name: price
SELECT {price} FROM prices WHERE id = %(id)s

-- name: prices
SELECT {price} FROM prices WHERE course_id = %(course_id)s AND retired_at IS NULL ORDER BY currency

-- name: in_course
SELECT EXISTS (
    SELECT FROM enrollments
    WHERE course_id = %(course_id)s AND user_id = %(user_id)s AND status <> 'dropped'
)

-- name: enrollment_under_way
-- The one they are in now, which need not be the one the order led to: they may have left and come back.
SELECT id FROM enrollments
WHERE course_id = %(course_id)s AND user_id = %(user_id)s AND status = 'enrolled'

-- name: insert_order
INSERT INTO orders (id, user_id, ordered_by, course_id, price_id, currency, amount_minor,
                    institution_id)
VALUES (%(id)s, %(user_id)s, %(ordered_by)s, %(course_id)s, %(price_id)s, %(currency)s,
        %(amount_minor)s, %(institution_id)s)
RETURNING {order}

-- name: standing_order
SELECT {order} FROM orders
WHERE user_id = %(user_id)s AND course_id = %(course_id)s AND status IN ('open', 'paid')

-- name: order
SELECT {order} FROM orders WHERE id = %(id)s

-- name: lock_order
SELECT {order} FROM orders WHERE id = %(id)s FOR UPDATE

-- name: orders
SELECT {order} FROM orders
WHERE (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s::uuid)
  AND (%(status)s::text IS NULL OR status = %(status)s::text)
  AND (NOT %(attention)s OR not_enrolled IS NOT NULL)
  AND (%(after_first)s::timestamptz IS NULL
       OR (created_at, id) > (%(after_first)s::timestamptz, %(after_id)s::uuid))
ORDER BY created_at, id
LIMIT %(rows)s

-- name: cancel_order
UPDATE orders SET status = 'cancelled' WHERE id = %(id)s RETURNING {order}

-- name: pay_order
UPDATE orders SET status = 'paid', paid_at = %(at)s WHERE id = %(id)s RETURNING {order}

-- name: fulfil_order
UPDATE orders SET enrollment_id = %(enrollment_id)s, not_enrolled = %(reason)s
WHERE id = %(id)s RETURNING {order}

-- name: refund_order
UPDATE orders
SET refunded_minor = refunded_minor + %(amount_minor)s,
    status = CASE WHEN refunded_minor + %(amount_minor)s = amount_minor
                  THEN 'refunded' ELSE status END
WHERE id = %(id)s
RETURNING {order}

-- name: insert_payment
INSERT INTO payments (id, order_id, provider, currency, amount_minor, institution_id)
VALUES (%(id)s, %(order_id)s, %(provider)s, %(currency)s, %(amount_minor)s, %(institution_id)s)
RETURNING {payment}

-- name: payment
SELECT {payment} FROM payments WHERE id = %(id)s

-- name: payments_of_order
SELECT {payment} FROM payments WHERE order_id = %(order_id)s ORDER BY created_at, id

-- name: open_payment
-- A notice may have been faster than the answer of the call that opened the payment.
UPDATE payments
SET reference = %(reference)s, redirect_url = %(redirect_url)s,
    status = CASE WHEN status = 'created' THEN 'open' ELSE status END
WHERE id = %(id)s
RETURNING {payment}

-- name: set_payment_status
UPDATE payments
SET status = %(status)s, received_minor = %(received_minor)s, settled_at = %(at)s,
    charge = coalesce(%(charge)s, charge)
WHERE id = %(id)s
RETURNING {payment}

-- name: claim_notice
INSERT INTO payment_notices (provider, event_id, payment_id, kind, institution_id)
VALUES (%(provider)s, %(event_id)s, %(payment_id)s, %(kind)s, %(institution_id)s)
ON CONFLICT DO NOTHING

-- name: whose_charge
SELECT payment_id, institution_id FROM payment_of_charge(%(provider)s, %(charge)s)

-- name: course_title
SELECT title FROM courses WHERE id = %(course_id)s

-- name: insert_refund
INSERT INTO refunds (id, payment_id, order_id, amount_minor, reason, requested_by, reference,
                     status, institution_id)
VALUES (%(id)s, %(payment_id)s, %(order_id)s, %(amount_minor)s, %(reason)s, %(requested_by)s,
        %(reference)s, %(status)s, %(institution_id)s)
RETURNING {refund}

-- name: refund
SELECT {refund} FROM refunds WHERE id = %(id)s

-- name: refund_by_reference
SELECT {refund} FROM refunds WHERE payment_id = %(payment_id)s AND reference = %(reference)s

-- name: refunds_of_order
SELECT {refund} FROM refunds WHERE order_id = %(order_id)s ORDER BY created_at, id

-- name: refunded_of_payment
-- What went back or is on its way.
SELECT coalesce(sum(amount_minor), 0)::bigint AS amount_minor FROM refunds
WHERE payment_id = %(payment_id)s AND status <> 'failed'

-- name: due_refunds
SELECT refund_id, institution_id FROM due_refunds(%(now)s, %(at_most)s)

-- name: lease_refund
UPDATE refunds AS refund
SET attempts = attempts + 1, next_attempt_at = %(until)s
FROM payments AS payment
WHERE refund.id = %(id)s AND refund.status = 'due' AND refund.next_attempt_at <= %(now)s
  AND payment.id = refund.payment_id
RETURNING {refund.refund}, payment.provider, payment.charge, payment.currency

-- name: set_refund_status
UPDATE refunds
SET status = %(status)s, reference = coalesce(%(reference)s, reference), settled_at = %(at)s
WHERE id = %(id)s
RETURNING {refund}

-- name: postpone_refund
UPDATE refunds SET next_attempt_at = %(until)s, last_error = %(error)s WHERE id = %(id)s
