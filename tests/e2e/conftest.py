"""The product, up and empty, for the journeys of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest

from stack.profile import REPOSITORY, profile
from tests.e2e.mail import Mailbox
from tests.e2e.product import Operator, Product

_NAME = f"{profile().name}-e2e"
_OFFSET = profile().port_offset + 2000
_SMTP_PORT = 18025 + _OFFSET


@pytest.fixture(scope="package")
def mailbox() -> Iterator[Mailbox]:
    """Where the product's mails go."""
    box = Mailbox(_SMTP_PORT)
    box.start()
    yield box
    box.stop()


@pytest.fixture(scope="package")
def product(mailbox: Mailbox) -> Iterator[Product]:
    env = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_LOCAL_NAME": _NAME,
        "LMS_LOCAL_PORT_OFFSET": str(_OFFSET),
        "LMS_LOCAL_TASK_MANAGER_MEMORY_MB": "2048",
        "LMS_USERS_SELF_REGISTRATION": "true",
        "LMS_NOTIFICATIONS_SMTP_HOST": "127.0.0.1",
        "LMS_NOTIFICATIONS_SMTP_PORT": str(_SMTP_PORT),
        "LMS_NOTIFICATIONS_SMTP_SECURITY": "none",
    }
    lms, serving, dashboards = (
        httpx.Client(base_url=f"http://127.0.0.1:{port + _OFFSET}", timeout=30)
        for port in (18000, 18010, 18020)
    )
    product = Product(env, lms, serving, dashboards)
    lms.auth = serving.auth = dashboards.auth = Operator(product)
    product.command("down")
    product.command("wipe", "--all", "--yes")
    try:
        product.command("up", timeout_s=600)
        product.command("jobs", "submit")
        yield product
    finally:
        product.command("down")
        for client in (lms, serving, dashboards):
            client.close()
