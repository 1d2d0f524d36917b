"""Lanes: tests that run at the same time, each lane on real components of its own.

``pytest -n 2`` makes two of them; without ``-n`` there is one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = (
    ("tests/e2e/",),  # the whole running product
    ("tests/serving/",),  # learns from the archive, which others fill with what nobody did
    # Flink, and all that reads what others have sent: so what sends much comes last.
    (
        "tests/pipelines/test_evolution.py",
        "tests/pipelines/test_jobs.py",
        "tests/pipelines/test_monitor.py",
        "tests/pipelines/",
        "tests/pipelines/test_archive.py",
    ),
    ("tests/stack/test_local_stack.py",),
    ("tests/stack/test_tls_stack.py",),  # the whole product as well, for a shorter time
    ("tests/test_additions.py",),  # its tests share a copy of the tree
    ("tests/core_lms/outbox/",),
    ("tests/features/",),
    ("tests/dashboards/",),
    ("tests/core_lms/test_schemathesis.py",),
    ("tests/core_lms/assessment/",),
    ("tests/core_lms/notifications/",),
    ("tests/core_lms/inbox/",),
    ("tests/imports/",),  # sends 200,000 events, and nobody after it reads them
)
"""Beginnings of paths. What takes long begins first, in this order, so that the lanes end at about
the same time, and stays in one lane, for its tests share what is expensive to make."""

_STRIDE = 100
"""Between the ports of two lanes: no two default ports are as far apart, up to eight lanes."""


def profile(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that name the profile of this process: its lane's, in a worker of xdist."""
    name = environment.get("LMS_LOCAL_NAME", "test")
    offset = int(environment.get("LMS_LOCAL_PORT_OFFSET", "1000"))
    lane = int(environment.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return {
        "LMS_LOCAL_NAME": f"{name}-{lane}" if lane else name,
        "LMS_LOCAL_PORT_OFFSET": str(offset + lane * _STRIDE),
    }


def name_apart(items: Sequence[pytest.Item]) -> None:
    """Give tests that bear one id their whole names: of those a lane would run the first alone.

    Schemathesis makes such tests, one for each operation. Raises ``UsageError`` where names are
    the same as well.
    """
    borne = Counter(item.nodeid for item in items)
    for item in items:
        if borne[item.nodeid] > 1:
            item._id = item.id.with_params(item.name.partition("[")[2].removesuffix("]"))
    again = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    if again:
        raise pytest.UsageError(f"lanes cannot distinguish the tests called {', '.join(again)}")


def rank(nodeid: str) -> tuple[int, int]:
    """Its place in ``LONG``, that of the longest beginning; lower begins earlier."""
    places = [
        (len(path), group, place)
        for group, paths in enumerate(LONG)
        for place, path in enumerate(paths)
        if nodeid.startswith(path)
    ]
    return max(places, default=(0, len(LONG), 0))[1:]


class Lanes(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a lane that is free the next file, or all of what is long."""

    def _split_scope(self, nodeid: str) -> str:
        group, _ = rank(nodeid)
        return LONG[group][0] if group < len(LONG) else nodeid.partition("::")[0]
