-- Keys that sign certificates. They belong to the installation: whoever verifies a certificate asks
-- it, not a tenant. A superseded key keeps its public half for ever, since what it signed stays
-- verifiable, and loses its private half, so that it never signs again.
CREATE TABLE certificate_keys (
    kid VARCHAR(64) PRIMARY KEY,
    public_key BYTEA NOT NULL CHECK (octet_length(public_key) = 32), -- Ed25519 (RFC 8032)
    private_sealed BYTEA, -- encrypted by the master keyset; NULL once superseded
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX certificate_keys_one_signs ON certificate_keys ((TRUE))
    WHERE private_sealed IS NOT NULL;
SELECT shared_table('certificate_keys', 'SELECT, INSERT, UPDATE');

CREATE TABLE certificates (
    id UUID PRIMARY KEY,
    enrollment_id UUID NOT NULL REFERENCES enrollments(id),
    user_id UUID NOT NULL REFERENCES users(id),
    course_id UUID NOT NULL REFERENCES courses(id),
    code VARCHAR(20) NOT NULL UNIQUE, -- the public link's secret: 100 random bits
    document TEXT NOT NULL, -- canonical JSON, byte for byte as it was signed
    signature BYTEA NOT NULL CHECK (octet_length(signature) = 64),
    kid VARCHAR(64) NOT NULL REFERENCES certificate_keys(kid),
    -- How the holder's name is shown to whoever has the link; NULL: as the directory would.
    shown_name VARCHAR(10) CHECK (shown_name IN ('full', 'initials', 'none')),
    issued_at TIMESTAMPTZ NOT NULL,
    replaces_id UUID REFERENCES certificates(id),
    revoked_at TIMESTAMPTZ,
    revoked_by UUID REFERENCES users(id),
    reason TEXT, -- for the learner and the staff, never public
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    institution_id UUID NOT NULL,
    CHECK (revoked_at IS NOT NULL OR (revoked_by IS NULL AND reason IS NULL))
);
CREATE UNIQUE INDEX certificates_one_counts ON certificates (enrollment_id)
    WHERE revoked_at IS NULL;
CREATE INDEX certificates_of_user ON certificates (user_id, created_at, id);
CREATE INDEX certificates_of_course ON certificates (course_id, created_at, id);
SELECT tenant_table('certificates');

-- A public link does not say its tenant. This tells the tenant of one code and nothing else: nobody
-- can list codes through it.
CREATE FUNCTION institution_of_certificate(wanted TEXT) RETURNS UUID
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS $$ SELECT institution_id FROM certificates WHERE code = wanted $$;
REVOKE ALL ON FUNCTION institution_of_certificate(TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION institution_of_certificate(TEXT) TO learnstream_app;
