"""The house rules that a reader would otherwise have to remember."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from stack.commands.check import broken_imports
from stack.profile import REPOSITORY

PACKAGES = tuple(
    tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["root_packages"]
)
SOURCES = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
EVERY_MODULE = pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY))
)


def test_packages_and_contexts_import_only_what_lies_below_them() -> None:
    assert broken_imports() == ""


def test_nothing_that_runs_imports_its_tests() -> None:
    from_tests = re.compile(r"^\s*(?:from|import) tests\b", re.MULTILINE)
    found = [path for path in SOURCES if from_tests.search(path.read_text(encoding="utf-8"))]
    assert found == []


@EVERY_MODULE
def test_a_module_says_what_it_is_for_and_stays_one_module(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module begins with a sentence of purpose"
    assert len(text.splitlines()) <= 400, "past 400 lines it is two modules"


@EVERY_MODULE
def test_a_module_is_named_for_a_noun_it_owns(path: Path) -> None:
    rooms = {part.removesuffix(".py") for part in path.relative_to(REPOSITORY).parts}
    assert not rooms & {"common", "utils", "util", "helpers", "helper", "misc"}


def test_no_build_file_carries_an_address() -> None:
    address = re.compile(r"https?://(?!127\.0\.0\.1|localhost|www\.w3\.org|maven\.apache\.org)")
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "pom.xml"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        found = [line for line in text.splitlines() if address.search(line)]
        assert not found, f"{name}: {found[:3]}"


def test_an_advisory_lock_is_of_one_thing_alone() -> None:
    """Two that share a number wait for each other for ever, and nobody sees why."""
    number = re.compile(r"^_?\w+ = (0x4C[0-9A-Fa-f_]+)", re.MULTILINE)
    owners: dict[int, list[str]] = {}
    for path in SOURCES:
        for found in number.findall(path.read_text(encoding="utf-8")):
            owners.setdefault(int(found, 16), []).append(str(path.relative_to(REPOSITORY)))
    assert len(owners) > 10
    shared = {hex(lock): paths for lock, paths in owners.items() if len(paths) > 1}
    # What another package waits for by its number, because it may not import it.
    assert shared == {}
