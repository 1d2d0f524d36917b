"""The components by themselves: names, memory, back-off, what is refused before anything starts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from contracts.errors import LearnstreamError, Misconfigured
from stack import cli
from stack.local.catalogue import COMPONENTS, GROUPS, named
from stack.local.flink import TaskManager
from stack.local.processes import OwnProcess
from stack.local.supervisor import Watch
from stack.profile import profile


def test_no_name_means_all_components() -> None:
    assert named([]) == list(COMPONENTS.values())


def test_a_group_is_its_members_in_catalogue_order() -> None:
    assert [component.name for component in named(["flink", "kafka"])] == [
        "kafka",
        "jobmanager",
        "taskmanager",
    ]


def test_groups_name_components_that_exist() -> None:
    assert {name for members in GROUPS.values() for name in members} <= COMPONENTS.keys()


def test_an_unknown_component_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match=r"no component 'xyz' \(choose from .*kafka.*\)$"):
        named(["xyz"])


@pytest.mark.parametrize(("wrong", "right"), [("postgre", "postgres"), ("kafak", "kafka")])
def test_whoever_misspells_a_component_is_shown_the_known_one(wrong: str, right: str) -> None:
    with pytest.raises(Misconfigured, match=f"no component '{wrong}' .*did you mean '{right}'"):
        named([wrong])


@pytest.mark.parametrize("total", [1024, 1500, 2048, 4096, 8192, 16384])
def test_the_task_managers_memory_adds_up(total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_LOCAL_TASK_MANAGER_MEMORY_MB", str(total))
    memory = TaskManager().memory_mb()
    assert sum(memory.values()) == total
    assert memory["task_heap"] >= total * 0.2


def test_too_little_memory_names_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_LOCAL_TASK_MANAGER_MEMORY_MB", "512")
    with pytest.raises(Misconfigured, match="LMS_LOCAL_TASK_MANAGER_MEMORY_MB is 512"):
        TaskManager().memory_mb()


def test_a_process_without_its_module_cannot_be_installed() -> None:
    process = OwnProcess("ghost", "no_such_package.at_all")
    assert not process.is_installed()
    with pytest.raises(Misconfigured, match=r"there is no module no_such_package\.at_all"):
        process.install(print)


def test_a_component_that_keeps_dying_is_started_ever_more_rarely() -> None:
    watch, now, waits = Watch(last_start=0.0), 1000.0, []
    for _ in range(8):
        watch.died(now)
        waits.append(watch.next_try - now)
        now = watch.next_try
        watch.last_start = now
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_component_that_lived_long_is_started_at_once() -> None:
    watch = Watch(failures=7, last_start=0.0)
    watch.died(61.0)
    assert watch.next_try == 61.0


def test_logs_of_a_component_that_never_ran_say_what_to_do(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path_factory.mktemp("root")))
    with pytest.raises(LearnstreamError, match="learnstream up"):
        cli.call("logs", "kafka")


def test_wipe_asks_and_takes_silence_for_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    data = COMPONENTS["kafka"].data
    data.mkdir(parents=True)
    assert cli.call("wipe", "--all") == 1
    assert data.exists()
    assert "nothing was removed" in capsys.readouterr().err


def test_wipe_removes_data_and_keeps_what_was_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    kept, other = profile().programs / "redis", COMPONENTS["redis"].data
    for folder in (kept, other, COMPONENTS["kafka"].data):
        folder.mkdir(parents=True)
    assert cli.call("wipe", "kafka", "--yes") == 0
    assert not COMPONENTS["kafka"].data.exists()
    assert other.exists()
    assert cli.call("wipe", "--all", "--yes") == 0
    assert not profile().run.exists()
    assert kept.exists()
