-- name: order.created
SELECT FROM orders WHERE id = %(order_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s

-- name: order.paid
SELECT FROM orders JOIN payments ON payments.order_id = orders.id
WHERE orders.id = %(order_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND paid_at IS NOT NULL AND orders.amount_minor = %(amount_minor)s
  AND orders.currency = %(currency)s AND payments.id = %(payment_id)s

-- name: order.refunded
SELECT FROM orders JOIN refunds ON refunds.order_id = orders.id
WHERE orders.id = %(order_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND refunds.id = %(refund_id)s AND refunds.status = 'succeeded'
  AND refunds.amount_minor = %(amount_minor)s

-- name: order.cancelled
SELECT FROM orders
WHERE id = %(order_id)s AND user_id = %(user_id)s AND course_id = %(course_id)s
  AND status = 'cancelled'
