"""A panel: one query, shown on its page and in Grafana."""

from __future__ import annotations

import argparse
from string import Template

from dashboards.catalogue import dashboards

EXAMPLE = "overview/new_learners"
PATTERN = r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*"
NEXT = "write the query and say in the header what question it answers; then ./learnstream generate"

_FILE = Template("""-- title: $title
-- question: What does this panel answer, in one sentence?
-- picture: stat
-- unit: events
-- order: $order
-- size: 4
-- note: How the number is defined, where the title cannot say it.
-- empty: Nothing has happened yet. Load some activity: ./learnstream demo
SELECT coalesce(sum(events), 0)::bigint AS events
FROM course_activity_day
WHERE bucket_at > now() - INTERVAL '7 days';
""")


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def files(args: argparse.Namespace) -> dict[str, str]:
    dashboard, name = args.name.split("/")
    orders = [panel.order for panel in dashboards().get(dashboard, [])]
    title = name.replace("_", " ").capitalize()
    text = _FILE.substitute(title=title, order=max(orders, default=0) + 10)
    return {f"dashboards/{args.name}.sql": text}
