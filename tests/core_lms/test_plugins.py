"""Plugins: built-ins by folder, third parties by entry point, faults named at start.

The third parties are real distributions: a folder on the path with a module and its dist-info.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from contracts.errors import Misconfigured
from contracts.ids import new_id
from core_lms import plugins
from core_lms.app import create_app
from core_lms.plugins import Point
from stack import cli

GOOD = """
import argparse

class Importer:
    "Learners from a paper register."
    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--page", type=int)
    def run(self, args: argparse.Namespace) -> int:
        print("page", args.page)
        return 7
"""

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one module and one entry point; gives the module's name."""
    before = set(sys.modules)

    def install(name: str, source: str, group: str, entry: str, target: str | None = None) -> str:
        module = f"{name}_{new_id().replace('-', '')}"
        site = tmp_path / module
        info = site / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(
            f"[{group}]\n{entry} = {module}:{target or 'Importer'}\n"
        )
        monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        plugins.forget()
        return module

    yield install
    for module in set(sys.modules) - before:
        if module.startswith("paper_"):
            del sys.modules[module]
    monkeypatch.undo()
    importlib.invalidate_caches()
    plugins.forget()


def test_a_third_party_importer_is_a_source_of_the_import_command(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("paper_register", GOOD, "learnstream.importers", "paper")
    assert cli.call("import", "paper", "--page", "3") == 7
    assert capsys.readouterr().out == "page 3\n"
    assert cli.call("plugins") == 0
    listed = capsys.readouterr().out
    assert "paper_register 1.2, entry point paper" in listed
    assert "built-in imports.oulad.importer" in listed


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("raise RuntimeError('no licence')", "Importer", "RuntimeError: no licence"),
        ("import a_module_nobody_has", "Importer", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "Importer", "SystemExit: 3"),
        ("Importer = 1", "Other", "AttributeError"),
        ("class Importer:\n    def __init__(self, key): ...", None, "TypeError"),
        (GOOD.replace("def run", "def runs"), None, "lacks 'run', which Importer asks for"),
        (GOOD.replace("def run", "async def run"), None, "'run' must be an ordinary function"),
        (GOOD.replace("run(self, args:", "run(self, args, more:"), None, "as run(args)"),
        (GOOD.replace("def run", "run = 3\n    def other"), None, "'run' cannot be called"),
    ],
)
def test_a_plugin_that_fails_stops_the_start_and_is_named_with_its_reason(
    install: Install, source: str, target: str | None, reason: str
) -> None:
    module = install("paper_register", source, "learnstream.importers", "paper", target)
    with pytest.raises(Misconfigured) as caught:
        create_app()
    said = str(caught.value)
    named = f"paper_register 1.2, entry point paper = {module}:{target or 'Importer'}"
    assert named in said
    assert reason in said


def test_two_plugins_of_one_name_are_refused_with_both_origins(install: Install) -> None:
    install("paper_register", GOOD, "learnstream.importers", "oulad")
    with pytest.raises(Misconfigured) as caught:
        plugins.check()
    said = str(caught.value)
    assert "two plugins are called 'oulad'" in said
    assert "built-in imports.oulad.importer" in said
    assert "paper_register 1.2" in said


def test_every_fault_is_told_at_once(install: Install) -> None:
    install("paper_one", "raise ValueError('one')", "learnstream.importers", "one")
    install("paper_two", "raise ValueError('two')", "learnstream.importers", "two")
    with pytest.raises(Misconfigured) as caught:
        plugins.check()
    assert len(caught.value.faults) == 2


def test_a_member_that_is_a_value_has_the_kind_the_protocol_says(
    install: Install, tmp_path: Path
) -> None:
    install("paper_kind", "class Named:\n    limit = 'ten'", "learnstream.paper", "it", "Named")

    class Limited(Protocol):
        limit: int

    point = Point[Limited]("learnstream.paper", Limited, tmp_path / "nothing")
    # The hint is looked up in this module, where the test's own class would not be found.
    Limited.__annotations__["limit"] = int
    [plugin] = plugins.found_at(point)
    assert plugin.fault == "'limit' is str, not int"


def test_what_is_built_in_fulfils_its_protocol() -> None:
    plugins.forget()
    plugins.check()
    groups = {point.group: plugins.found_at(point) for point in plugins.points()}
    assert {plugin.name for plugin in groups["learnstream.importers"]} >= {"catalogue", "oulad"}
    assert all(members for members in groups.values()), "a point without a built-in is untried"
