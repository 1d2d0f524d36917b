"""What is downloaded is complete or absent, and comes from the machine's own sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Misconfigured, Retryable
from stack.local import debian
from stack.local.installed import installation, is_installed

DEB822 = """\
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://vendor.example/apt
Suites: bookworm-vendor
Components: main
"""
ONE_LINE = """\
# deb http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://security.example/ bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb http://vendor.example/apt stable main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_only_the_suite_of_the_machines_own_sources_is_replaced(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    (apt / "sources.list").write_text(ONE_LINE)
    text = debian.sources(apt, "bookworm", "trixie")
    assert "Suites: trixie trixie-updates" in text
    assert "Suites: trixie-security" in text
    assert "URIs: http://security.example/" in text
    assert "Signed-By: /usr/share/keyrings/k.gpg" in text
    assert "vendor" not in text
    assert "bookworm" not in text


def test_a_machine_without_debian_sources_is_told_so(apt: Path) -> None:
    with pytest.raises(Misconfigured, match="no apt source for Debian bookworm"):
        debian.sources(apt, "bookworm", "trixie")


def test_another_system_is_told_to_use_containers() -> None:
    with pytest.raises(Misconfigured, match="docker compose up"):
        debian.codename('ID=fedora\nVERSION_CODENAME=""\n')


def test_the_codename_is_read_with_and_without_quotes() -> None:
    assert debian.codename('ID=debian\nVERSION_CODENAME="bookworm"\n') == "bookworm"
    assert debian.codename("ID=debian\nVERSION_CODENAME=bookworm\n") == "bookworm"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    return tmp_path / "parts"


def test_an_installation_is_done_once_per_recipe(programs: Path) -> None:
    for recipe, expected in ((["1"], False), (["1"], True), (["2"], False), (["2"], True)):
        with installation("thing", recipe) as site:
            assert site.complete is expected
            if not site.complete:
                (site.fresh / "program").write_text(recipe[0])
        assert (programs / "thing" / "program").read_text() == recipe[0]


def _fail_halfway() -> None:
    with installation("thing", ["2"]) as site:
        (site.fresh / "program").write_text("half")
        raise Retryable("the network went away")


def test_a_failed_installation_leaves_nothing_and_keeps_the_old(programs: Path) -> None:
    with installation("thing", ["1"]) as site:
        (site.fresh / "program").write_text("old")
    with pytest.raises(Retryable):
        _fail_halfway()
    assert (programs / "thing" / "program").read_text() == "old"
    assert not is_installed("thing", ["2"])
    assert sorted(path.name for path in programs.iterdir()) == [".thing.lock", "thing"]


def test_a_moved_folder_is_made_anew(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with installation("thing", ["1"]):
        pass
    moved = programs.parent.with_name("moved")
    programs.parent.rename(moved)
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(moved))
    assert not is_installed("thing", ["1"])
