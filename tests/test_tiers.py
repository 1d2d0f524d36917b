"""Who runs in which tier, what the command runs of it, and what is said of its time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import pytest

from contracts.errors import Misconfigured
from stack.commands import test as command
from stack.profile import profile
from tests import tiers


@pytest.mark.parametrize(
    ("marks", "tier"),
    [
        ((), tiers.NO_SERVERS),
        (("integration",), tiers.SERVERS),
        (("slow",), tiers.SERVERS),
        (("integration", "flink"), tiers.FLINK),
        (("e2e",), tiers.FLINK),
    ],
)
def test_the_marks_say_the_tier(marks: tuple[str, ...], tier: str) -> None:
    assert tiers.tier(marks) == tier


def test_who_asks_for_servers_is_marked_as_such(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        fixtures = getattr(item, "fixturenames", ())
        assert "stack" not in fixtures or "integration" in item.keywords
        assert "flink" not in fixtures or "flink" in item.keywords


def test_the_fast_tier_does_not_import_what_none_of_its_tests_is_in() -> None:
    here = Path(__file__).parent
    assert tiers.is_none_fast(here / "core_lms" / "test_schemathesis.py")
    assert tiers.is_none_fast(here / "e2e" / "test_spine.py")
    assert not tiers.is_none_fast(Path(__file__))
    assert not tiers.is_none_fast(here / "conftest.py")


def test_times_are_summed_by_tier() -> None:
    times = tiers.Times()
    marked: list[tuple[dict[str, Literal[1]], float]] = [
        ({}, 0.5),
        ({}, 1.5),
        ({"integration": 1}, 40.0),
    ]
    phases: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")
    for marks, seconds in marked:
        for when, duration in zip(phases, (0.0, seconds, 1.0), strict=True):
            times.add(
                pytest.TestReport(
                    nodeid="a",
                    location=("a", 1, "a"),
                    keywords=marks,
                    outcome="passed",
                    longrepr=None,
                    when=when,
                    duration=duration,
                )
            )
    assert [line.strip() for line in times.lines()] == [
        "2 tests without servers: 4 s",
        "1 tests with servers, or slow: 41 s",
    ]


def steps(*words: str) -> list[tuple[str, str]]:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return [(name, " ".join(each)) for name, each in command._tests(parser.parse_args(words))]


def test_each_tier_is_a_step_and_what_follows_two_dashes_goes_to_pytest() -> None:
    assert [name for name, _ in steps("--fast")] == ["tests without servers"]
    assert steps("--coverage") == steps("--fast"), "the same tests, measured"
    assert [name for name, _ in steps("--servers")] == [
        "tests without servers",
        "tests with servers",
    ]
    assert [name for name, _ in steps()] == ["tests"], "each step imports everything again"
    assert all("-n 2" in words for _, words in steps())
    [(name, words)] = steps("--", "tests/serving", "-x")
    assert (name, words) == ("tests", "-m pytest -q tests/serving -x")
    [(_, words)] = steps("--servers", "--lanes", "3", "--", "-k", "enrolling")
    assert words.startswith("-m pytest -q -n 3 -m not flink")
    assert words.endswith("-k enrolling")


def test_the_servers_of_a_demo_are_not_emptied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    command._need_no_demo("demo")
    mark = profile().model_copy(update={"name": "demo"}).demo_mark
    mark.parent.mkdir(parents=True)
    mark.touch()
    with pytest.raises(Misconfigured, match="the profile of a demo"):
        command._need_no_demo("demo")
