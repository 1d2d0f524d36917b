"""A feature view is its file: every file is read here, a new one unasked, and nothing lists it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts import feature_views
from contracts.errors import Misconfigured
from contracts.feature_views import View
from features import generate, history
from pipelines.derive import features as derived
from pipelines.verify.checks import CHECKS
from stack.profile import REPOSITORY

VIEWS = feature_views.read_all()
EVERY_VIEW = pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
GOOD = (feature_views.FOLDER / "learner_activity.sql").read_text(encoding="utf-8")
CODE = [
    path
    for package in ("contracts", "stack", "gateway", "core_lms", "pipelines", "features")
    for pattern in ("*.py", "*.sql")
    for path in (REPOSITORY / package).rglob(pattern)
    if path.parent.name not in ("views", "migrations", "recommender")
]
"""What makes and keeps features; ``features/recommender`` reads them for a model."""


def written(folder: Path, text: str) -> Path:
    path = folder / "some_view.sql"
    path.write_text(text, encoding="utf-8")
    return path


@EVERY_VIEW
def test_every_feature_is_made_expected_and_found_in_the_file_of_its_view(view: View) -> None:
    for query in ("rows", "expected", "found"):
        text = view.queries[query]
        missing = [name for name in view.features if not re.search(rf"\b{name}\b", text)]
        assert not missing, f"query {query} of {view.name} lacks {missing}"


@EVERY_VIEW
def test_no_other_file_names_a_view(view: View) -> None:
    """So adding a view takes one file, and so does a feature: its declaration and its queries."""
    word = re.compile(rf"\b{view.name}\b")
    named = {
        str(path.relative_to(REPOSITORY))
        for path in CODE
        if word.search(path.read_text(encoding="utf-8"))
    }
    assert named == set()


@EVERY_VIEW
def test_a_job_fills_the_queue_of_a_view(view: View) -> None:
    jobs = (REPOSITORY / "pipelines/derive/jobs").glob("*.sql")
    assert any(f"INSERT INTO {view.queue} (" in path.read_text(encoding="utf-8") for path in jobs)


def test_a_new_file_is_a_view_in_every_place_that_needs_it(tmp_path: Path) -> None:
    """Tables, Feast, the page, the stream and verify all follow from what the folder has."""
    from features import store  # with it comes Feast, which takes seconds: in one lane alone

    views = set(VIEWS)
    assert {view.name for view in derived.VIEWS.values()} == views
    assert {view for view in views if f"## {view}" in generate.generate()[generate.PAGE]} == views
    assert {one.name for one in store.definitions()} >= views
    covered = {name for check in CHECKS for name in check.covers}
    assert covered >= {f"{history.SCHEMA}.{view}" for view in views}
    assert covered >= {f"redis:{view}" for view in views}
    (tmp_path / "some_view.sql").write_text(GOOD, encoding="utf-8")
    assert list(feature_views.read_all(tmp_path)) == ["some_view"]


def test_a_feature_may_say_what_its_name_does_not() -> None:
    view = VIEWS["learner_activity"]
    assert view.features["last_seen_at"] == "text"
    assert view.meanings == {"last_seen_at": "ISO 8601 in UTC"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("-- entity: learner\n", ""), "lacks entity"),
        (("entity: learner", "entity: planet"), "entity is one of"),
        (("last_item_id: text", "last_item_id: bigint"), "not 'bigint'"),
        (("-- queue:", "-- colour: red\n-- queue:"), "knows no 'colour'"),
        (("by last_seen_at", "by nothing"), "trail is"),
        (("-- queue:", "queue:"), "is not `-- name: value`"),
        (("-- name: past", "-- name: future"), "queries are"),
    ],
)
def test_a_wrong_file_names_itself_and_the_fault(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        feature_views.read(written(tmp_path, GOOD.replace(*change)))
    assert complaint in str(caught.value)
    assert "some_view.sql" in str(caught.value)
