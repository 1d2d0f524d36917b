-- name: create
-- How each feature was spread when its baseline was made, and how far it has drifted since.
CREATE TABLE IF NOT EXISTS features.baseline (
    feature_view text        NOT NULL,
    feature      text        NOT NULL,
    expression   text        NOT NULL,
    until_at     timestamptz NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT now(),
    edges        float8[]    NOT NULL,
    counts       bigint[]    NOT NULL,
    PRIMARY KEY (feature_view, feature)
);
CREATE TABLE IF NOT EXISTS features.drift (
    feature_view text        NOT NULL,
    feature      text        NOT NULL,
    as_of        timestamptz NOT NULL,
    psi          float8      NOT NULL,
    PRIMARY KEY (feature_view, feature)
)

-- name: put_baseline
INSERT INTO features.baseline (feature_view, feature, expression, until_at, edges, counts)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (feature_view, feature) DO UPDATE SET expression = excluded.expression,
    until_at = excluded.until_at, made_at = now(), edges = excluded.edges, counts = excluded.counts

-- name: baselines
SELECT feature_view, feature, expression, edges, counts FROM features.baseline

-- name: put_drift
INSERT INTO features.drift (feature_view, feature, as_of, psi) VALUES (%s, %s, %s, %s)
ON CONFLICT (feature_view, feature) DO UPDATE SET as_of = excluded.as_of, psi = excluded.psi
