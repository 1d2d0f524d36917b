-- What courses cost, who ordered them, and the money. Amounts are whole minor units of their currency
-- (1250 is 12.50 EUR, but 1250 JPY). No card data, ever: people pay on the provider's own page.

-- A course with a price that is not retired is entered by whoever has paid; without one it is free.
CREATE TABLE prices (
    id UUID PRIMARY KEY,
    course_id UUID NOT NULL REFERENCES courses(id),
    currency CHAR(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor BIGINT NOT NULL CHECK (amount_minor BETWEEN 1 AND 2147483647),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    retired_at TIMESTAMPTZ, -- orders made before keep what they were made with
    institution_id UUID NOT NULL
);
CREATE UNIQUE INDEX prices_once ON prices (course_id, currency) WHERE retired_at IS NULL;
SELECT tenant_table('prices');

CREATE TABLE orders (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id), -- who learns; a guardian may have ordered
    ordered_by UUID REFERENCES users(id), -- NULL: a machine
    course_id UUID NOT NULL REFERENCES courses(id),
    price_id UUID NOT NULL REFERENCES prices(id),
    currency CHAR(3) NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    refunded_minor BIGINT NOT NULL DEFAULT 0,
    status VARCHAR(16) NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'paid', 'refunded', 'cancelled')),
    enrollment_id UUID, -- what the payment led to
    not_enrolled TEXT, -- or why it did not: somebody has to look
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    paid_at TIMESTAMPTZ,
    institution_id UUID NOT NULL,
    CHECK (refunded_minor BETWEEN 0 AND amount_minor)
);
-- Nobody orders a course twice: an open order is paid or cancelled first.
CREATE UNIQUE INDEX orders_once ON orders (user_id, course_id) WHERE status IN ('open', 'paid');
CREATE INDEX orders_of_institution ON orders (institution_id, created_at, id);
CREATE INDEX orders_of_user ON orders (user_id, created_at, id);
SELECT tenant_table('orders');

-- Each attempt to pay an order. 'created' before the provider knows of it, 'open' while the person
-- pays; 'surplus' is money for an order that was paid, refunded or cancelled already and goes back;
-- 'flagged' is money that is not what was asked for: somebody has to look.
CREATE TABLE payments (
    id UUID PRIMARY KEY,
    order_id UUID NOT NULL REFERENCES orders(id),
    provider VARCHAR(32) NOT NULL,
    reference TEXT, -- the provider's name of the payment page
    charge TEXT, -- the provider's name of the payment itself
    redirect_url TEXT,
    currency CHAR(3) NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    received_minor BIGINT NOT NULL DEFAULT 0,
    status VARCHAR(16) NOT NULL DEFAULT 'created'
        CHECK (status IN ('created', 'open', 'succeeded', 'failed', 'surplus', 'flagged')),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    settled_at TIMESTAMPTZ,
    institution_id UUID NOT NULL
);
CREATE INDEX payments_of_order ON payments (order_id, created_at);
CREATE UNIQUE INDEX payments_charge ON payments (provider, charge);
SELECT tenant_table('payments');

-- 'due' is sent by the loop payments.refunds; 'sent' waits for the provider's word.
CREATE TABLE refunds (
    id UUID PRIMARY KEY,
    payment_id UUID NOT NULL REFERENCES payments(id),
    order_id UUID NOT NULL REFERENCES orders(id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    reason VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL DEFAULT 'due'
        CHECK (status IN ('due', 'sent', 'succeeded', 'failed')),
    reference TEXT,
    requested_by UUID REFERENCES users(id), -- NULL: the rules, or the provider's own pages
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    settled_at TIMESTAMPTZ,
    institution_id UUID NOT NULL
);
CREATE INDEX refunds_of_order ON refunds (order_id, created_at);
CREATE INDEX refunds_due ON refunds (next_attempt_at) WHERE status = 'due';
CREATE UNIQUE INDEX refunds_reference ON refunds (payment_id, reference);
SELECT tenant_table('refunds');

-- What providers have told us, once each: a notice that comes again changes nothing.
CREATE TABLE payment_notices (
    provider VARCHAR(32) NOT NULL,
    event_id VARCHAR(255) NOT NULL,
    payment_id UUID NOT NULL,
    kind VARCHAR(16) NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    PRIMARY KEY (provider, event_id)
);
SELECT tenant_table('payment_notices');

-- Both look across tenants on purpose, and give away ids only: whose payment a provider speaks of,
-- and which refunds are due.
CREATE FUNCTION payment_of_charge(of_provider TEXT, of_charge TEXT)
RETURNS TABLE (payment_id UUID, institution_id UUID)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT payment.id, payment.institution_id FROM payments AS payment
    WHERE payment.provider = of_provider AND payment.charge = of_charge
$$;

CREATE FUNCTION due_refunds(now_at TIMESTAMPTZ, at_most INTEGER)
RETURNS TABLE (refund_id UUID, institution_id UUID)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT refund.id, refund.institution_id FROM refunds AS refund
    WHERE refund.status = 'due' AND refund.next_attempt_at <= now_at
    ORDER BY refund.next_attempt_at LIMIT at_most
$$;
REVOKE ALL ON FUNCTION payment_of_charge, due_refunds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION payment_of_charge, due_refunds TO learnstream_app;
