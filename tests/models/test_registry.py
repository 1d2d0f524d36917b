"""Artefacts are named by content and never change; only the pointer moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import Rejected
from models.registry import Registry


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("LMS_LOCAL_ROOT", str(tmp_path))
    return Registry("recommender")


def keep(registry: Registry, content: str) -> str:
    with registry.draft() as folder:
        (folder / "manifest.json").write_text(content)
        return registry.add(folder)


def test_the_same_content_is_the_same_version_and_leaves_no_draft(registry: Registry) -> None:
    assert keep(registry, "a") == keep(registry, "a")
    assert keep(registry, "b") != keep(registry, "a")
    assert {path.name for path in registry.root.iterdir()} == set(registry.versions())


def test_promotion_and_rollback_move_the_pointer(registry: Registry) -> None:
    assert registry.live() is None
    first, second = keep(registry, "a"), keep(registry, "b")
    registry.promote(first)
    registry.promote(second)
    assert registry.live() == second
    assert registry.rollback() == first
    assert registry.live() == first


def test_a_changed_or_unknown_version_is_not_promoted(registry: Registry) -> None:
    version = keep(registry, "a")
    (registry.folder(version) / "manifest.json").write_text("tampered")
    for wrong in (version, "0" * 64):
        with pytest.raises(Rejected):
            registry.promote(wrong)
    assert registry.live() is None


def test_rolling_back_without_a_past_is_refused(registry: Registry) -> None:
    with pytest.raises(Rejected):
        registry.rollback()
