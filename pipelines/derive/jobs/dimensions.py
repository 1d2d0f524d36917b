"""What courses are made of, by name: each as it was described last."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table


def _table(what: str, about: str, own: str) -> Table:
    """The dimension of one kind of thing: its ids, its own columns, and its newest description."""
    ids = "" if what == "course" else "\ncourse_id uuid NOT NULL"
    return Table(
        f"{what}_dim",
        about,
        f"{what}_id uuid NOT NULL\ninstitution_id uuid NOT NULL{ids}\n{own}\n"
        "revision integer NOT NULL -- of its description: the greatest holds\n"
        "described_at timestamptz NOT NULL -- when it was described so",
        key=(f"{what}_id",),
    )


JOB = Derived(
    name="dimensions",
    about="what courses are made of, each as it was described last",
    tables=(
        _table(
            "course",
            "courses, as they were described last",
            """\
title text NOT NULL
status text NOT NULL -- draft, published or archived
language text -- as the course says: en, de-AT
starts_at timestamptz
ends_at timestamptz""",
        ),
        _table(
            "module",
            "modules of courses, as they were described last",
            """\
title text NOT NULL
status text NOT NULL -- active or archived
position integer NOT NULL -- among the modules of the course, from 0""",
        ),
        _table(
            "item",
            "items of courses, as they were described last",
            """\
title text NOT NULL
status text NOT NULL -- active or archived
kind text NOT NULL
position integer NOT NULL -- among the items of the course, from 0
module_id uuid -- NULL: in no module
required boolean NOT NULL -- to complete the course""",
        ),
        _table(
            "assessment",
            "work that is set in courses, as they were described last",
            """\
title text NOT NULL
status text NOT NULL -- active or archived
kind text NOT NULL
position integer NOT NULL -- among the work of the course by due date, from 0""",
        ),
        _table(
            "question",
            "questions of courses, as they were described last",
            """\
title text NOT NULL -- how the prompt begins
status text NOT NULL -- active or archived
kind text NOT NULL
position integer NOT NULL -- among the questions of the course by age, from 0
max_points numeric NOT NULL""",
        ),
    ),
    reads=("payload_events",),
)
