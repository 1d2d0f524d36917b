"""A derived table: what is kept of each learner's events, made in steps from the archive."""

from __future__ import annotations

import argparse
from string import Template

from pipelines import new

EXAMPLE = "course_completions"
PATTERN = r"[a-z][a-z0-9_]*"
NEXT = (
    "change columns, SQL and what verify expects together; then ./learnstream prepare makes the "
    "table and ./learnstream rebuild JOB fills it with what was before"
)

_JOB = Template('''"""$Words: say in one sentence what it keeps."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="$name",
    about="items completed per course and day",
    tables=(
        Table(
            "$name",
            "items completed per course and day",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            completions bigint NOT NULL -- items completed that day
            """,
            key=("bucket_at", "institution_id", "course_id"),
            time="bucket_at",
        ),
    ),
    reads=("new_events",),
)
''')
_SQL = Template("""-- What the new events of a step add to a course's day.
INSERT INTO $name AS t (bucket_at, institution_id, course_id, completions)
SELECT date_bin('1 day', at, 'epoch'), institution_id, course_id, count(*)
FROM new_events WHERE completed
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (bucket_at, institution_id, course_id) DO UPDATE SET
    completions = t.completions + EXCLUDED.completions;
""")
_CHECK = Template("""-- about: each course's day in $name is right
-- covers: $name
-- key: bucket_at, institution_id, course_id
-- name: expected
SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id,
       count(*) AS completions
FROM distinct_events WHERE event_type = 'content.completed' GROUP BY ALL
-- name: found
SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id, completions
FROM $name
""")


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def files(args: argparse.Namespace) -> dict[str, str]:
    """Raises ``Rejected`` where a job or a table has the name already."""
    return new.files("pipelines/derive/jobs", args.name, _JOB, _SQL, _CHECK)
