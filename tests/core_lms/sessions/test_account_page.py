"""The page behind a mailed link, in a real browser against the real process."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.core_lms.sessions.conftest import Person
from tests.core_lms.test_process import server
from tests.dashboards.conftest import FLAGS

__all__ = ["server"]

pytestmark = pytest.mark.integration


def test_a_mailed_link_sets_the_password_and_shows_its_secret_to_nobody(
    mira: Person, server: Any
) -> None:
    _, url = server
    token, asked = mira.link(), []
    program = shutil.which("chromium")
    assert program, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/account#{token}")
        assert token not in page.url
        expect(page.get_by_role("heading")).to_have_text("Set your password")

        page.get_by_label("New password").fill("password123")
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("common word")
        page.get_by_label("New password").fill("seven quiet harbours")
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("Done")

        page.goto(f"{url}/account")
        expect(page.get_by_role("status")).to_contain_text("Open the link from the mail again")
        browser.close()
    assert not [address for address in asked if token in address]
    assert mira.log_in("seven quiet harbours").status_code == 201
