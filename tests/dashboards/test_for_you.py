"""For you in a real browser, over the real LMS and serving: studying changes what is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from contracts.ids import DEFAULT_INSTITUTION
from core_lms.access.operator import OperatorAuth
from stack.profile import profile
from tests.dashboards.conftest import link, lms_settings

pytestmark = pytest.mark.integration

LMS_PORT, SERVING_PORT, PORT = 18007, 18017, 18027
"""Beside those of processes that may be up in the same profile."""
MOVES_MS = 30_000


@pytest.fixture
def settings(fresh: str, tmp_path: Path) -> dict[str, str]:
    return {
        "LMS_POSTGRES_ANALYTICS_URL": fresh,
        **lms_settings(fresh, LMS_PORT),
        "LMS_LOCAL_ROOT": str(tmp_path),  # models and the index of this test only
        "LMS_SECRETS_DIR": str(profile().run / "secrets"),  # but the keys of the database
        "LMS_HTTP_SERVING_PORT": str(profile().port(SERVING_PORT)),
        "LMS_HTTP_DASHBOARDS_PORT": str(profile().port(PORT)),
    }


def address(base: int) -> str:
    return f"http://127.0.0.1:{profile().port(base)}"


@pytest.fixture
def lms(start: Callable[..., Any], settings: dict[str, str]) -> Iterator[httpx.Client]:
    start("core_lms", address(LMS_PORT), **settings)
    auth = OperatorAuth(DEFAULT_INSTITUTION, "test")
    base = f"{address(LMS_PORT)}/api/v1"
    with httpx.Client(base_url=base, timeout=10, auth=auth) as client:
        yield client


def made(lms: httpx.Client, path: str, **body: Any) -> str:
    response = lms.post(path, json=body)
    assert response.is_success, response.text
    return str(response.json()["id"])


def test_finishing_an_item_takes_it_off_the_list(
    lms: httpx.Client,
    start: Callable[..., Any],
    settings: dict[str, str],
    rows: Any,
    page: Page,
) -> None:
    def account(name: str, role: str) -> str:
        mail = f"{uuid4().hex}@example.invalid"
        about = {"profile": {"invented": True}}
        return made(lms, "/users", email=mail, name=name, role=role, **about)

    teacher, learner = account("Tess Teacher", "instructor"), account("Ada Archwright", "student")
    course = made(lms, "/courses", title=f"Bridges {uuid4().hex[:6]}", instructor_id=teacher)
    for title in ("The arch", "The truss", "The cable"):
        made(lms, f"/courses/{course}/items", kind="page", title=title)
    made(lms, f"/courses/{course}/publish")
    made(lms, f"/courses/{course}/enrollments", user_id=learner)
    start("serving", address(SERVING_PORT), **settings)
    start("dashboards.web", address(PORT), **settings)

    page.goto(f"{address(PORT)}/sign-in#{link(learner)}")
    expect(page.locator("#who")).to_contain_text("Ada Archwright", timeout=MOVES_MS)
    first = page.locator(".offers li", has=page.get_by_text("The arch"))
    expect(first).to_be_visible(timeout=MOVES_MS)
    first.get_by_role("button", name="Finish").click()
    expect(page.locator("#said")).to_contain_text("Finished “The arch”", timeout=MOVES_MS)
    (done,) = lms.get(f"/users/{learner}/completed-items").json()["items"]

    rows.institution = UUID(DEFAULT_INSTITUTION)
    # What the archive stores of it a moment later; the page reads it there.
    about = {"user_id": UUID(learner), "course_id": UUID(course), "item_id": UUID(done["item_id"])}
    rows.event("content.completed", "lms.content.events", rows.now, kind="page", **about)
    expect(page.locator(".deeds li").first).to_contain_text("finished", timeout=MOVES_MS)
    expect(first).to_have_count(0, timeout=MOVES_MS)
    expect(page.locator(".offers li").first).to_be_visible()
