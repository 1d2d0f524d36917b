"""The documentation leads where it says: every relative link, heading and path exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stack.profile import REPOSITORY

_IGNORED = {".learnstream", ".git", "node_modules", ".pytest_cache"}
PAGES = sorted(
    path
    for path in REPOSITORY.rglob("*.md")
    if not _IGNORED & set(path.relative_to(REPOSITORY).parts)
)
EVERY_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY))
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`((?:[a-z_]+|\.[a-z]+)/[\w./-]+\.(?:py|sql|md|cedar|csv|lua|java|toml|json))`")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The fragments of its headings, as forges make them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", _CODE.sub("", text_of(page)), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(words.strip().replace(" ", "-"))
    return found


@EVERY_PAGE
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    wrong = []
    for link in _LINK.findall(_CODE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            wrong.append(f"{link}: there is no such file")
        elif fragment and target.suffix == ".md" and fragment not in anchors(target):
            wrong.append(f"{link}: no such heading; there are {sorted(anchors(target))}")
    assert not wrong, wrong


@EVERY_PAGE
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """`core_lms/outbox/relay.py`, from the root; names with a placeholder in them are left out."""
    roots = {path.name for path in REPOSITORY.iterdir() if path.is_dir()}
    named = {path for path in _PATH.findall(text_of(page)) if path.split("/")[0] in roots}
    missing = sorted(path for path in named if not (REPOSITORY / path).exists())
    assert not missing, f"{page.name} names files that are not there: {missing}"


def test_pictures_are_small() -> None:
    large = [
        path.name
        for path in (REPOSITORY / "docs" / "images").iterdir()
        if path.stat().st_size > 300_000
    ]
    assert not large, f"above 300 kB: {large}"
