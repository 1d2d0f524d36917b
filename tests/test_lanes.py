"""Lanes have profiles of their own, and what belongs together is in one of them."""

from __future__ import annotations

import pytest

from stack.local.catalogue import COMPONENTS
from stack.profile import REPOSITORY
from tests import lanes


def test_without_lanes_the_profile_is_the_one_that_is_set() -> None:
    assert lanes.profile({}) == {"LMS_LOCAL_NAME": "test", "LMS_LOCAL_PORT_OFFSET": "1000"}
    chosen = {"LMS_LOCAL_NAME": "mine", "LMS_LOCAL_PORT_OFFSET": "5000"}
    assert lanes.profile(chosen) == chosen
    assert lanes.profile(chosen | {"PYTEST_XDIST_WORKER": "gw0"}) == chosen


def test_no_two_lanes_share_a_name_or_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the product of the end-to-end tests, or the stack of the stack's, beside them."""
    names, ports = set(), []
    for number in range(4):
        profile = lanes.profile({"PYTEST_XDIST_WORKER": f"gw{number}"})
        names.add(profile["LMS_LOCAL_NAME"])
        for more in (0, 1000, 2000):
            offset = int(profile["LMS_LOCAL_PORT_OFFSET"]) + more
            monkeypatch.setenv("LMS_LOCAL_PORT_OFFSET", str(offset))
            ports += [port for component in COMPONENTS.values() for port in component.ports()]
    assert len(names) == 4
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("path", [path for paths in lanes.LONG for path in paths])
def test_what_is_said_to_be_long_is_there(path: str) -> None:
    assert (REPOSITORY / path).exists()


def test_the_longest_beginning_says_when_a_test_comes() -> None:
    jobs, alerts, archive, users = (
        lanes.rank(f"tests/{file}.py::test")
        for file in (
            *("pipelines/test_jobs", "pipelines/test_alerts", "pipelines/test_archive"),
            "core_lms/users/test_users",
        )
    )
    assert jobs < alerts < archive < users
    assert jobs[0] == archive[0]


def test_every_test_has_an_id_of_its_own(request: pytest.FixtureRequest) -> None:
    """Of two with one id a lane would run the first alone, and say nothing."""
    ids = [item.nodeid for item in request.session.items]
    assert len(ids) == len(set(ids))
