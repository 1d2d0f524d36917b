"""Tiers: what a test needs says when it runs; how long each tier took is printed at the end."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from pathlib import Path

import pytest

NO_SERVERS = "without servers"
SERVERS = "with servers, or slow"
FLINK = "with Flink, or the whole product"
TIERS = (NO_SERVERS, SERVERS, FLINK)


_OF_ALL = re.compile(r"^pytestmark = .*\bmark\.(integration|slow|e2e|soak)\b", re.MULTILINE)


def is_none_fast(path: Path) -> bool:
    """Whether a file says that none of its tests is in the fast tier: so it need not be imported,
    which for some takes longer than their tests."""
    if not (path.name.startswith("test_") and path.suffix == ".py"):
        return False
    return _OF_ALL.search(path.read_text(encoding="utf-8")) is not None


def mark(items: Sequence[pytest.Item]) -> None:
    """A test that asks for the servers of its lane, for moto's or for Flink is marked as such."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "stack" in fixtures or "s3" in fixtures:
            item.add_marker(pytest.mark.integration)
        if "flink" in fixtures:
            item.add_marker(pytest.mark.flink)


def tier(keywords: Container[str]) -> str:
    """The tier of a test with these marks."""
    if "flink" in keywords or "e2e" in keywords or "soak" in keywords:
        return FLINK
    return SERVERS if "integration" in keywords or "slow" in keywords else NO_SERVERS


class Times:
    """Seconds and tests of each tier and seconds of each lane, of the reports of one run."""

    def __init__(self) -> None:
        self._tests: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lanes: defaultdict[str, float] = defaultdict(float)

    def add(self, report: pytest.TestReport) -> None:
        name = tier(report.keywords)
        self._tests[name] += report.when == "setup"
        self._seconds[name] += report.duration
        if (node := getattr(report, "node", None)) is not None:
            self._lanes[node.gateway.id] += report.duration

    def lines(self) -> list[str]:
        found = [
            f"{self._tests[name]:>6,} tests {name}: {self._seconds[name]:,.0f} s"
            for name in TIERS
            if self._tests[name]
        ]
        if self._lanes:
            each = ", ".join(f"{lane} {s:,.0f} s" for lane, s in sorted(self._lanes.items()))
            found.append(f"in lanes: {each}")
        return found
