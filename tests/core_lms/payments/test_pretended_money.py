"""Pretended money is taken by the local stack on a loopback address, and by nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contracts.errors import Misconfigured
from core_lms.payments.providers import enabled
from core_lms.payments.settings import PaymentSettings
from stack.profile import REPOSITORY


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LMS_PAYMENTS_PROVIDERS", "LMS_HTTP_HOST", "LMS_LOCAL_SUPERVISED"):
        monkeypatch.delenv(name, raising=False)


def test_the_local_stack_takes_it_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_LOCAL_SUPERVISED", "true")
    assert list(enabled()) == ["test"]


def test_elsewhere_nobody_takes_money_unless_somebody_is_named() -> None:
    assert PaymentSettings().names == ()
    assert enabled() == {}


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"LMS_LOCAL_SUPERVISED": "true", "LMS_HTTP_HOST": "0.0.0.0"},
        {"LMS_LOCAL_SUPERVISED": "true", "LMS_HTTP_HOST": "lms.example.org"},
        {"LMS_HTTP_HOST": "127.0.0.1"},
    ],
)
def test_elsewhere_it_is_refused(monkeypatch: pytest.MonkeyPatch, where: dict[str, str]) -> None:
    for name, value in where.items():
        monkeypatch.setenv(name, value)
    assert PaymentSettings().names == ()
    monkeypatch.setenv("LMS_PAYMENTS_PROVIDERS", "stripe,test")
    monkeypatch.setenv("LMS_SECRET_STRIPE_KEY", "sk_x")
    monkeypatch.setenv("LMS_SECRET_STRIPE_WEBHOOK", "whsec_x")
    with pytest.raises(Misconfigured, match="pretended money"):
        enabled()


@pytest.mark.slow
@pytest.mark.parametrize("module", ["core_lms", "core_lms.inbox"])
def test_a_process_that_would_take_it_does_not_start(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "LMS_PAYMENTS_PROVIDERS": "test"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "pretended money" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
