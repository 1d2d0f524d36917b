-- What a person is told, once per event, kind and person: the id is computed from the three.
CREATE TABLE notifications (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id),
    kind VARCHAR(64) NOT NULL, -- core_lms/notifications/kinds/<kind>.py
    event_id UUID NOT NULL,
    facts JSONB NOT NULL, -- what the text is made of: titles, numbers, ids; no name, no address
    -- The place in the person's own list, given when it appears there: without gaps and in the order
    -- of appearing, so that a stream resumes behind the last one seen. NULL: not in the list (yet).
    number INT,
    read_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL
);
CREATE UNIQUE INDEX notifications_in_order ON notifications (user_id, number);
CREATE INDEX notifications_by_age ON notifications (created_at);
SELECT tenant_table('notifications');

-- The last number given in each person's list; its lock is the order of appearing. Kept apart, so that
-- numbers go on when old entries are deleted.
CREATE TABLE notification_lists (
    user_id UUID PRIMARY KEY REFERENCES users(id),
    last_number INT NOT NULL,
    institution_id UUID NOT NULL
);
SELECT tenant_table('notification_lists');

-- One way on which a notification has to reach its person, until it has or never will.
CREATE TABLE notification_deliveries (
    id UUID PRIMARY KEY, -- computed: the Message-ID of a mail, the topic of a push
    notification_id UUID NOT NULL REFERENCES notifications(id) ON DELETE CASCADE,
    channel VARCHAR(64) NOT NULL, -- core_lms/notifications/channels/<channel>.py, or a plugin
    target VARCHAR(64) NOT NULL DEFAULT '', -- which of the person's browsers; '' where there is one way
    status VARCHAR(10) NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'sent', 'dropped', 'dead')),
    attempts INT NOT NULL DEFAULT 0, -- also the token of the lease: who claimed with this number
    next_try_at TIMESTAMPTZ NOT NULL DEFAULT NOW(), -- while claimed: when the lease ends
    ended_at TIMESTAMPTZ,
    reason TEXT, -- of the last failure, or why it was dropped; never an address
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), -- a person's go out in this order
    institution_id UUID NOT NULL,
    UNIQUE (notification_id, channel, target),
    CHECK ((status = 'pending') = (ended_at IS NULL))
);
CREATE INDEX notification_deliveries_due ON notification_deliveries (next_try_at)
    WHERE status = 'pending';
SELECT tenant_table('notification_deliveries');

-- The sender works for all tenants: it claims what is due, wherever, and is told ids only. What is
-- behind an id it reads as the application, in the id's own tenant.
CREATE FUNCTION claim_deliveries(most INT, lease INTERVAL)
RETURNS TABLE (delivery_id UUID, institution UUID, attempt INT, person UUID, since TIMESTAMPTZ)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$
    UPDATE notification_deliveries AS delivery
    SET attempts = delivery.attempts + 1, next_try_at = now() + lease
    FROM (SELECT id FROM notification_deliveries
          WHERE status = 'pending' AND next_try_at <= now()
          ORDER BY next_try_at, id
          LIMIT most
          FOR UPDATE SKIP LOCKED) AS due
    WHERE delivery.id = due.id
    RETURNING delivery.id, delivery.institution_id, delivery.attempts,
              (SELECT user_id FROM notifications AS one WHERE one.id = delivery.notification_id),
              delivery.created_at
$$;
REVOKE ALL ON FUNCTION claim_deliveries(INT, INTERVAL) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_deliveries(INT, INTERVAL) TO learnstream_app;

-- Old entries of all tenants go, a few at a time; whatever is still to be sent stays.
CREATE FUNCTION delete_old_notifications(age INTERVAL, most INT) RETURNS BIGINT
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public
AS $$
    WITH old AS (
        SELECT id FROM notifications AS one
        WHERE created_at < now() - age
          AND NOT EXISTS (SELECT FROM notification_deliveries
                          WHERE notification_id = one.id AND status = 'pending')
        ORDER BY created_at LIMIT most
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM notifications USING old WHERE notifications.id = old.id RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
REVOKE ALL ON FUNCTION delete_old_notifications(INTERVAL, INT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delete_old_notifications(INTERVAL, INT) TO learnstream_app;

-- What a person decided; where there is no row, the kind's defaults hold. Kind '*' is all kinds that
-- are not essential.
CREATE TABLE notification_preferences (
    user_id UUID NOT NULL REFERENCES users(id),
    kind VARCHAR(64) NOT NULL,
    channel VARCHAR(64) NOT NULL,
    enabled BOOLEAN NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    PRIMARY KEY (user_id, kind, channel)
);
SELECT tenant_table('notification_preferences');

-- Browsers that accept pushes. Endpoint and keys are sealed with the person's data key: who has them
-- can reach the person.
CREATE TABLE push_subscriptions (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id),
    sealed BYTEA NOT NULL,
    endpoint_index BYTEA NOT NULL, -- blind index: the same browser is one row
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    UNIQUE (institution_id, endpoint_index)
);
CREATE INDEX push_subscriptions_of_user ON push_subscriptions (user_id);
SELECT tenant_table('push_subscriptions');
