"""The alert rules, judged by Prometheus' own tool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from core_lms.inbox.metrics import EVENTS
from pipelines.monitor.readings import ABOUT
from stack.local import debian
from stack.profile import REPOSITORY

RULES = REPOSITORY / "pipelines" / "alerts" / "pipelines.rules.yml"
COUNTED = {f"{metric.name}_total" for metric in EVENTS.collect()}
"""What the inbox counts of the messages it is done with."""
TESTS = Path(__file__).parent / "alerts.test.yml"


@pytest.fixture(scope="module")
def promtool() -> Path:
    tree = debian.fetch("prometheus", "trixie", ["prometheus"], ["usr/bin/promtool"], print)
    return tree / "usr" / "bin" / "promtool"


def test_every_alert_fires_and_stays_silent_as_it_should(promtool: Path, tmp_path: Path) -> None:
    for file in (RULES, TESTS):
        shutil.copy(file, tmp_path)
    for command in (["check", "rules", RULES.name], ["test", "rules", TESTS.name]):
        done = subprocess.run(
            [promtool, *command],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, str]]:
    [group] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_watches_readings_that_exist_and_has_a_test(rule: dict[str, str]) -> None:
    names = set(re.findall(r"\b(?:learnstream|lms)_\w+", rule["expr"]))
    assert names
    assert names <= {*ABOUT, *COUNTED}
    assert rule["alert"] in TESTS.read_text(encoding="utf-8")
