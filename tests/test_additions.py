"""Each addition is made in a copy of the tree: how many files it takes, and that the rest holds.

``./learnstream new`` writes those it knows; of plugins, ``tests/additions`` has one of each kind.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stack import cli
from stack.commands import new
from stack.profile import REPOSITORY

# New processes import everything: slowly, on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SAMPLES = REPOSITORY / "tests" / "additions"
MADE = {
    "event": ("note.pinned", 1),
    "panel": ("overview/new_learners", 1),
    "feature": ("item_weeks", 1),
    "table": ("finished_items", 3),
    "job": ("forum_days", 3),
    "context": ("annotations", 13),
}
"""What ``new`` makes: a name, and how many files it writes by hand."""
TAKEN = {
    "event": "content.viewed",
    "panel": "overview/history",
    "feature": "item_quality",
    "table": "video_heat",
    "job": "course_activity",
    "context": "courses",
}
PLUGINS = {
    "a question kind": "core_lms/assessment/kinds/keyword.py",
    "a channel": "core_lms/notifications/channels/pager.py",
    "a payment provider": "core_lms/payments/providers/cashier.py",
}
CATALOGUES = (
    "tests/contracts/test_events.py",
    "tests/contracts/test_flink.py",
    "tests/core_lms/access/test_table.py",
    "tests/core_lms/assessment/test_kinds.py",
    "tests/core_lms/test_migrations.py",
    "tests/core_lms/test_plugins.py",
    "tests/dashboards/test_grafana.py",
    "tests/dashboards/test_panels.py",
    "tests/features/test_views.py",
    "tests/gateway/test_policies.py",
    "tests/pipelines/test_derive_declarations.py",
    "tests/pipelines/test_job_declarations.py",
    "tests/test_lineage.py",
)
"""Tests without servers that iterate over what there is."""
NEW = "(note or not test_events) and (keyword or not test_kinds)"
"""Of the many tests of every event and of every kind of question, those of the new ones."""


@dataclass
class Copy:
    """A copy of the tree; ``written`` are the files of each addition, generated ones left out."""

    root: Path
    written: dict[str, list[str]] = field(default_factory=dict)

    def python(self, *args: str) -> subprocess.CompletedProcess[str]:
        left_out = ("PYTEST_", "COVERAGE_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return subprocess.run(
            [sys.executable, *args],
            cwd=self.root,
            env=own | {"PYTHONPATH": str(self.root), "PYTHONPYCACHEPREFIX": f"{self.root}.pyc"},
            text=True,
            capture_output=True,
        )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("tree")
    known = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(known, cwd=REPOSITORY, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
    made = Copy(root)
    # In one process: each would import the same again.
    calls = [("new", kind, name) for kind, (name, _) in MADE.items()]
    done = made.python("-c", f"from stack import cli; [cli.call(*one) for one in {calls!r}]")
    assert done.returncode == 0, done.stdout + done.stderr
    for kind, printed in zip(MADE, done.stdout.split("next: "), strict=False):
        made.written[kind] = re.findall(r"^wrote (.+)$", printed, re.MULTILINE)
    for path in PLUGINS.values():
        shutil.copy(SAMPLES / path, root / path)
    done = made.python("-m", "stack.cli", "generate")  # the API's document shows each kind
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.parametrize("kind", MADE)
def test_an_addition_takes_no_more_files_than_we_say(copy: Copy, kind: str) -> None:
    assert len(copy.written[kind]) == MADE[kind][1], copy.written[kind]


def test_what_was_added_is_well_written(copy: Copy) -> None:
    files = [path for paths in copy.written.values() for path in paths if path.endswith(".py")]
    for command in (["check"], ["format", "--check"]):
        done = copy.python("-m", "ruff", *command, "--no-cache", *files, *PLUGINS.values())
        assert done.returncode == 0, done.stdout


def test_nothing_else_is_to_be_generated(copy: Copy) -> None:
    done = copy.python("-m", "stack.cli", "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_catalogues_take_what_was_added(copy: Copy) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", NEW]
    options += ["-m", "not integration and not e2e and not soak"]
    done = copy.python("-m", "pytest", *options, *CATALOGUES)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_plugins_that_were_added_are_plugged_in(copy: Copy) -> None:
    done = copy.python("-m", "stack.cli", "plugins")
    assert done.returncode == 0, done.stdout + done.stderr
    for path in PLUGINS.values():
        assert Path(path).stem in done.stdout


@pytest.mark.parametrize("kind", MADE)
def test_a_name_that_is_taken_or_malformed_is_refused(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, complaint in ((TAKEN[kind], "already"), ("Not/A name!", "is no name for")):
        assert cli.main(["new", kind, name]) == 1
        assert complaint in capsys.readouterr().err


def test_what_new_makes_is_made_here() -> None:
    assert set(new.kinds()) == set(MADE) == set(TAKEN)
