-- Addresses of other systems that want to be told of events.
CREATE TABLE webhooks (
    id UUID PRIMARY KEY,
    url TEXT NOT NULL,
    description VARCHAR(500) NOT NULL DEFAULT '',
    event_types TEXT[] NOT NULL CHECK (cardinality(event_types) > 0), -- order.paid, order.*, *
    status VARCHAR(16) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'disabled')),
    secret_sealed BYTEA NOT NULL, -- by the master keyset: we sign with it, so a hash would not do
    previous_sealed BYTEA, -- signs as well until previous_until: a receiver changes over in peace
    previous_until TIMESTAMPTZ,
    failing_since TIMESTAMPTZ, -- the first failure after the last success
    disabled_at TIMESTAMPTZ,
    disabled_reason VARCHAR(32),
    created_by UUID REFERENCES users(id), -- NULL: a machine
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
CREATE INDEX webhooks_of_institution ON webhooks (institution_id, created_at, id);
SELECT tenant_table('webhooks');

-- One event for one address. 'dead' is the list of what could not be delivered: it stays, to be
-- looked at and retried.
CREATE TABLE webhook_deliveries (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook_id UUID NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
    event_id UUID NOT NULL, -- the header webhook-id, the same in every attempt
    event_type VARCHAR(100) NOT NULL,
    message TEXT NOT NULL, -- the envelope, byte for byte as it is sent: ids only
    status VARCHAR(16) NOT NULL DEFAULT 'due' CHECK (status IN ('due', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_status INTEGER, -- HTTP's
    last_error VARCHAR(500),
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    settled_at TIMESTAMPTZ,
    institution_id UUID NOT NULL
);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE status = 'due';
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (webhook_id, created_at, id);
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE status <> 'due';
SELECT tenant_table('webhook_deliveries');

-- Both look across tenants on purpose, and give away ids only: what is due, at most so many of one
-- address (one that hangs must not keep the others waiting), and what is old enough to forget.
CREATE FUNCTION due_webhook_deliveries(now_at TIMESTAMPTZ, of_each INTEGER, at_most INTEGER)
RETURNS TABLE (delivery_id UUID, webhook_id UUID, institution_id UUID)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT ranked.id, ranked.webhook_id, ranked.institution_id
    FROM (
        SELECT due.*, row_number() OVER (
            PARTITION BY due.webhook_id ORDER BY due.next_attempt_at, due.created_at
        ) AS place
        FROM (
            SELECT delivery.* FROM webhook_deliveries AS delivery
            JOIN webhooks AS webhook ON webhook.id = delivery.webhook_id
            WHERE delivery.status = 'due' AND delivery.next_attempt_at <= now_at
              AND webhook.status = 'active'
            ORDER BY delivery.next_attempt_at LIMIT 2000
        ) AS due
    ) AS ranked
    WHERE ranked.place <= of_each
    ORDER BY ranked.next_attempt_at
    LIMIT at_most
$$;

CREATE FUNCTION forget_webhook_deliveries(delivered_before TIMESTAMPTZ, dead_before TIMESTAMPTZ)
RETURNS BIGINT
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH forgotten AS (
        DELETE FROM webhook_deliveries
        WHERE status = 'delivered' AND settled_at < delivered_before
           OR status = 'dead' AND settled_at < dead_before
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
$$;
REVOKE ALL ON FUNCTION due_webhook_deliveries, forget_webhook_deliveries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_webhook_deliveries, forget_webhook_deliveries TO learnstream_app;
