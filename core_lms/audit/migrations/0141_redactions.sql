-- The audit log outlives whom it names: of somebody erased it keeps what was done, under the id that
-- took the place of theirs. The row's own hash stays what it was, so the chain and every head kept
-- elsewhere still hold; the row `audit.redact`, itself in the chain, vouches by a digest for what the
-- changed rows say now (core_lms/audit/redacting.py).
CREATE TABLE audit_redactions (
    position BIGINT NOT NULL REFERENCES audit_log (position), -- of the row that was changed
    redacted_at_position BIGINT NOT NULL REFERENCES audit_log (position), -- of the row that vouches
    content_hash BYTEA NOT NULL, -- SHA-256 of the changed row's canonical form
    PRIMARY KEY (position, redacted_at_position)
);
CREATE INDEX audit_redactions_of ON audit_redactions (redacted_at_position, position);

-- Against accidents of whoever owns the table; against intent there is the chain. A redaction says so.
CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('learnstream.redacting', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
