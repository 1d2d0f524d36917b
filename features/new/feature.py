"""A feature view: features of one entity, with the queries that make and check them."""

from __future__ import annotations

import argparse
from string import Template

EXAMPLE = "item_recency"
PATTERN = r"[a-z][a-z0-9_]{0,31}"
NEXT = (
    "declare the features and write their queries, then ./learnstream register and backfill; one "
    "feature more is a line of the header and a column of the queries"
)

_FILE = Template("""-- about: $words: say in one sentence what the features describe
-- check: each item's newest $words in the feature store are right
-- entity: item
-- queue: item_features_due
-- feature learner_days: int, learners of each of the last 7 days, summed

-- name: rows
-- The features of the items in `wanted (entity_id, institution_id, as_of)`.
SELECT w.entity_id, w.institution_id, w.as_of,
       (SELECT coalesce(sum(learners), 0)::bigint FROM item_engagement i
        WHERE i.item_id = w.entity_id AND i.institution_id = w.institution_id
          AND i.bucket_at > w.as_of - INTERVAL '7 days' AND i.bucket_at <= w.as_of)
           AS learner_days
FROM wanted w

-- name: newest
SELECT d.entity_id, d.institution_id,
       (SELECT max(bucket_at) FROM item_engagement i
        WHERE i.item_id = d.entity_id AND i.bucket_at <= now()) AS as_of
FROM taken d

-- name: past
SELECT item_id AS entity_id, institution_id, bucket_at AS at FROM item_engagement
WHERE bucket_at >= %(since)s AND bucket_at < %(until)s AND bucket_at <= now()

-- name: expected
WITH newest AS (
    SELECT institution_id, item_id, max(bucket_at) AS as_of FROM expected_item_days
    WHERE item_id NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
    GROUP BY ALL)
SELECT n.institution_id, n.item_id, n.as_of, sum(d.learners)::BIGINT AS learner_days
FROM newest n JOIN expected_item_days d
    ON d.institution_id = n.institution_id AND d.item_id = n.item_id
       AND d.bucket_at > n.as_of - INTERVAL 7 DAY
GROUP BY ALL

-- name: found
SELECT institution_id::UUID AS institution_id, item_id::UUID AS item_id,
       as_of AT TIME ZONE 'UTC' AS as_of, learner_days
FROM history_$name
WHERE item_id::UUID NOT IN (SELECT item_id FROM clocks_ahead WHERE item_id IS NOT NULL)
""")


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def files(args: argparse.Namespace) -> dict[str, str]:
    words = args.name.replace("_", " ")
    return {f"features/views/{args.name}.sql": _FILE.substitute(name=args.name, words=words)}
