"""One lock for what runs and one for what tests it: nothing of the second is in production."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from stack.profile import REPOSITORY

PRODUCTION = (
    "contracts",
    "stack",
    "gateway",
    "core_lms",
    "imports",
    "pipelines",
    "features",
    "models",
    "serving",
    "dashboards",
)

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: str) -> set[str]:
    return {normal(name) for name in _PINNED.findall((REPOSITORY / file).read_text())}


def wanted(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[=<>; ]", each)[0]) for each in requirements}


def test_each_package_is_in_one_lock_and_the_locks_are_made_from_the_project() -> None:
    runs, tests = locked("requirements.lock"), locked("requirements-dev.lock")
    assert runs
    assert tests
    assert runs & tests == set()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert wanted(project["dependencies"]) <= runs
    assert wanted(project["optional-dependencies"]["dev"]) <= tests


providers = cache(packages_distributions)
"""Distributions by module; finding them takes a read of every file of every distribution."""


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("package", PRODUCTION)
def test_what_runs_imports_nothing_that_only_the_tests_have(package: str) -> None:
    runs = locked("requirements.lock")
    ours = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
    for path in (REPOSITORY / package).rglob("*.py"):
        for module in _imported(path):
            top = module.partition(".")[0]
            if top in ours or top in sys.stdlib_module_names:
                continue
            found = {normal(name) for name in providers().get(top, [])}
            assert found & runs, f"{path}: {module} is of {found or 'nothing installed'}"


def test_the_production_image_is_made_from_the_lock_of_what_runs() -> None:
    made = (REPOSITORY / "docker/Dockerfile").read_text()
    assert "-r requirements.lock" in made
    assert "requirements-dev.lock" not in made
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert {"tests", "bench", "requirements-dev.lock"} <= set(ignored)
