"""Secrets of one machine are made once, whoever asks first and however many do."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from contracts.errors import Misconfigured
from stack.secrets import secret


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LMS_SECRETS_DIR", str(tmp_path / "secrets"))
    return tmp_path / "secrets"


def test_threads_that_ask_first_at_once_all_get_what_is_kept(folder: Path) -> None:
    for number in range(40):
        together = Barrier(8)

        def ask(_: int, name: str = f"key-{number}", together: Barrier = together) -> str:
            together.wait()
            return secret(name, lambda: secrets.token_urlsafe(200))

        with ThreadPoolExecutor(8) as threads:
            found = set(threads.map(ask, range(8)))
        assert found == {(folder / f"key-{number}").read_text()}
    assert len(list(folder.iterdir())) == 40, "nothing is left beside"


def test_a_secret_is_readable_by_its_owner_only(folder: Path) -> None:
    secret("key", lambda: "text")
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_environment_comes_first_and_is_never_empty(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret("key", lambda: "kept")
    monkeypatch.setenv("LMS_SECRET_KEY", "given\n")
    assert secret("key", lambda: "made") == "given"
    monkeypatch.setenv("LMS_SECRET_KEY", " ")
    with pytest.raises(Misconfigured, match="LMS_SECRET_KEY"):
        secret("key", lambda: "made")
