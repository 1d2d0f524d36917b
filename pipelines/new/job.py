"""A job of Flink: a table of sums by day, counted as events arrive."""

from __future__ import annotations

import argparse
from string import Template

from pipelines.new import values

EXAMPLE = "course_days"
PATTERN = r"[a-z][a-z0-9_]*"
NEXT = (
    "change columns, SQL and what verify expects together; a running installation counts the new "
    "table from the archive: ./learnstream jobs submit JOB"
)

_JOB = Template('''"""$Words: say in one sentence what it counts."""

from contracts.topics import CONTENT
from pipelines.derive.tables import Table
from pipelines.job import Job

JOB = Job(
    name="$name",
    about="events per course and day",
    reads=(CONTENT,),
    tables=(
        Table(
            "$name",
            "events per course and day, in partial sums",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            events bigint NOT NULL -- events about content
            """,
            key=("bucket_at", "institution_id", "course_id", "part"),
            time="bucket_at",
        ),
    ),
)
''')
_SQL = Template("""\
-- Without windows: an event that comes late corrects its bucket. `weight` subtracts a repeated
-- message (contracts.flink.columns); a sum is kept per `part` (pipelines.application).
INSERT INTO $name
SELECT bucket_at, institution_id, course_id, part, SUM(weight) AS events
FROM (SELECT SUBSTRING(`timestamp`, 1, 10) || 'T00:00:00Z' AS bucket_at, * FROM content_events)
GROUP BY bucket_at, institution_id, course_id, part;
""")
_CHECK = Template("""-- about: each course's day in $name is right
-- covers: $name
-- key: bucket_at, institution_id, course_id
-- name: expected
SELECT date_trunc('day', moment)::TIMESTAMP AS bucket_at, institution_id, course_id,
       count(*) AS events
FROM distinct_events WHERE content GROUP BY ALL
-- name: found
SELECT bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id,
       sum(events)::bigint AS events
FROM $name GROUP BY 1, 2, 3 HAVING sum(events) <> 0
""")


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def files(args: argparse.Namespace) -> dict[str, str]:
    """Raises ``Rejected`` where a job or a table has the name already."""
    named = values(args.name)
    return {
        f"pipelines/jobs/{args.name}.py": _JOB.substitute(named),
        f"pipelines/jobs/{args.name}.sql": _SQL.substitute(named),
        f"pipelines/verify/row_by_row/{args.name}.sql": _CHECK.substitute(named),
    }
