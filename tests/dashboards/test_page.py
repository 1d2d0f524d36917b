"""The pages in a real browser: signing in, numbers that move without reload, a lost database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect
from psycopg import sql

from dashboards import catalogue
from stack.postgres import PostgresSettings
from stack.profile import profile
from tests.dashboards.conftest import Lms, lms_over, lms_settings, sign_in
from tests.waiting import until_equal

pytestmark = pytest.mark.integration

PORT, LMS_PORT = 18029, 18005
"""Beside the ports of processes that may be up in the same profile."""
MOVES_MS = 30_000
"""Far more than the second it takes: the machine may be busy."""
NOTICED_MS = 90_000
"""A loss in the middle of a round is noticed after the round, whose other panels each wait 5 s for
the database; the LMS's pool of connections waits twice as long after each attempt that failed."""


@contextmanager
def serving(start: Callable[..., Any], offset: int, database: str) -> Iterator[tuple[str, Lms]]:
    """The address of the pages over a database, and the LMS behind them."""
    port = profile().port(PORT + offset)
    settings = lms_settings(database, LMS_PORT + offset) | {"LMS_HTTP_DASHBOARDS_PORT": str(port)}
    with lms_over(start, database, LMS_PORT + offset) as lms:
        yield str(start("dashboards.web", f"http://127.0.0.1:{port}", **settings).url), lms


@pytest.fixture
def url(fresh: str, start: Callable[..., Any], page: Page) -> Iterator[str]:
    """The pages over tables that the test itself fills, an administrator signed in."""
    with serving(start, 0, fresh) as (url, lms):
        sign_in(page, url, lms, lms.account("Ada Admin", "admin"))
        yield url


@pytest.fixture(scope="module")
def filled_pages(filled: str, start_for_all: Callable[..., Any]) -> Iterator[tuple[str, Lms]]:
    with serving(start_for_all, 1, filled) as found:
        yield found


@pytest.fixture
def filled_url(filled_pages: tuple[str, Lms], page: Page) -> str:
    """The pages over the filled tables, an administrator signed in."""
    url, lms = filled_pages
    sign_in(page, url, lms, lms.account("Ada Admin", "admin"))
    return url


def card(page: Page, name: str) -> Any:
    return page.locator(f'[data-panel="{name}"]')


def test_whoever_is_not_signed_in_does_so_first_and_comes_back(
    page: Page, filled_pages: tuple[str, Lms]
) -> None:
    url, lms = filled_pages
    page.goto(f"{url}/learners")
    expect(page).to_have_url(f"{url}/sign-in?next=%2Flearners", timeout=MOVES_MS)
    page.get_by_label("E-mail address").fill("nobody@example.invalid")
    page.get_by_label("Password").fill("ocean green lamp")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#said")).to_contain_text("is wrong", timeout=MOVES_MS)
    token = lms.link(lms.account("Tess Teacher", "instructor"))
    page.goto(f"{url}/sign-in#{token}")
    expect(page.locator("#me")).to_contain_text("Tess Teacher", timeout=MOVES_MS)
    assert token not in page.url
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{url}/sign-in", timeout=MOVES_MS)
    page.goto(f"{url}/sign-in#{token}")
    expect(page.locator("#said")).to_contain_text("used already", timeout=MOVES_MS)


def test_a_learner_begins_with_their_own_page_and_has_no_overview(
    page: Page, filled_pages: tuple[str, Lms]
) -> None:
    url, lms = filled_pages
    ana = lms.account("Ana Learner")
    sign_in(page, url, lms, ana)
    expect(page).to_have_url(f"{url}/learner/{ana}", timeout=MOVES_MS)
    expect(page.locator("#who")).to_have_text("Ana Learner", timeout=MOVES_MS)
    expect(page.get_by_role("link", name="Overview")).to_be_hidden()
    expect(page.locator(".people")).to_be_hidden()
    page.goto(url)
    expect(page).to_have_url(f"{url}/learner/{ana}", timeout=MOVES_MS)


def test_the_page_follows_the_rows_without_reload(page: Page, url: str, rows: Any) -> None:
    page.goto(url)
    expect(page.locator("#live")).to_have_text("Live", timeout=MOVES_MS)
    for panel in catalogue.dashboard("overview"):
        expect(card(page, panel.name).locator("h2")).to_contain_text(panel.title)
        expect(card(page, panel.name).locator(".empty")).to_have_text(panel.empty)
    page.evaluate("window.stillTheSamePage = true")

    learner, item, course = uuid4(), uuid4(), uuid4()
    rows.view(learner, item, course, rows.now, clicks=3)

    active = card(page, "active_learners").locator(".stat dd").first
    expect(active).to_have_text("1", timeout=MOVES_MS)
    cells = card(page, "busiest_items").locator("tbody td")
    expect(cells.first).to_have_text(f"{str(item)[:8]}…", timeout=MOVES_MS)
    expect(cells.last).to_have_text("3")
    expect(card(page, "freshness").locator(".stat dd").first).to_have_text(
        re.compile(r"^(500|501) ms$")  # an identifier carries whole milliseconds
    )
    expect(card(page, "activity_by_kind").locator("li")).to_have_text(["video3"])
    expect(card(page, "history").locator("rect.bar")).to_have_count(1)
    expect(card(page, "events_per_minute").locator("svg")).to_have_attribute(
        "aria-label", "Events per minute. 1 events in all, at most 1 at once."
    )

    rows.view(uuid4(), item, course, rows.now)
    expect(active).to_have_text("2", timeout=MOVES_MS)
    expect(cells.last).to_have_text("4", timeout=MOVES_MS)
    assert page.evaluate("window.stillTheSamePage") is True


def test_a_lost_database_is_said_and_its_return_noticed(
    page: Page, url: str, rows: Any, fresh: str
) -> None:
    rows.view(uuid4(), uuid4(), uuid4(), rows.now)
    page.goto(url)
    active = card(page, "active_learners").locator(".stat dd").first
    expect(active).to_have_text("1", timeout=MOVES_MS)
    allow(fresh, connections=False)
    expect(page.locator("#live")).to_have_text("Stale: no new numbers", timeout=NOTICED_MS)
    expect(page.locator("#banner")).to_contain_text("no new numbers since")
    expect(active).to_have_text("1")  # the last numbers stay, and are said to be old
    allow(fresh, connections=True)
    expect(page.locator("#live")).to_have_text("Live", timeout=NOTICED_MS)
    expect(page.locator("#banner")).to_be_hidden()
    rows.view(uuid4(), uuid4(), uuid4(), rows.now)
    expect(active).to_have_text("2", timeout=MOVES_MS)


def test_every_chart_can_be_read_by_keyboard_and_as_a_table(page: Page, filled_url: str) -> None:
    page.goto(filled_url)
    history = card(page, "history")
    expect(history.locator("rect.bar").first).to_be_visible(timeout=MOVES_MS)
    history.locator("svg.chart").focus()
    page.keyboard.press("Home")
    expect(history.locator(".tip")).to_contain_text("1 Jun 2014")
    expect(history.locator(".tip")).to_contain_text("together40")
    page.keyboard.press("ArrowRight")
    expect(history.locator(".tip")).not_to_contain_text("2014")
    page.keyboard.press("Escape")
    expect(history.locator(".tip")).to_be_hidden()
    history.get_by_role("button", name="Activity per day and course as a table").press("Enter")
    expect(history.locator("th")).to_have_text(["day", "course", "clicks"])
    expect(history.locator("tbody tr").first.locator("td").first).to_have_text("2014-06-01")


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_the_page_fits_its_window(page: Page, filled_url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(filled_url)
    expect(card(page, "history").locator("rect.bar").first).to_be_visible(timeout=MOVES_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, filled_url: str, scheme: Any) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for what a picture is drawn with."""
    page.emulate_media(color_scheme=scheme)
    page.goto(filled_url)
    colours = page.evaluate(
        """() => Object.fromEntries(["ground", "card", "ink", "soft", "accent", "accent-soft",
          "warn", "warn-soft", "bad", "hover", "c1", "c2", "c3", "c4", "c5", "rest"].map((name) => {
            const probe = document.body.appendChild(document.createElement("i"));
            probe.style.color = `var(--${name})`;
            const [r, g, b] = getComputedStyle(probe).color.match(/[0-9]+/g).map(Number);
            probe.remove();
            return [name, [r, g, b]];
          }))"""
    )
    text = [(fore, back) for fore in ("ink", "soft", "accent") for back in ("ground", "card")]
    text += [("accent", "accent-soft"), ("warn", "warn-soft"), ("bad", "card"), ("soft", "hover")]
    text += [("card", "ink"), ("c2", "card"), ("c3", "card"), ("c2", "ground"), ("c3", "ground")]
    drawn = [(name, "card") for name in ("c1", "c2", "c3", "c4", "c5", "rest")]
    for pairs, least in ((text, 4.5), (drawn, 3.0)):
        for fore, back in pairs:
            ratio = contrast(colours[fore], colours[back])
            assert ratio >= least, f"{fore} on {back}: {ratio:.2f} of {least}"


def contrast(a: list[int], b: list[int]) -> float:
    """The contrast ratio of two sRGB colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: list[int]) -> float:
        parts = [part / 255 for part in colour]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def allow(url: str, *, connections: bool) -> None:
    """Let a database's clients in, or keep all out and cut those that are in."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(PostgresSettings().analytics_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                sql.Identifier(name), sql.SQL("true" if connections else "false")
            )
        )
        if not connections:
            # Again and again: one may have been let in, and not be listed yet, when we closed.
            end_all = (
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            )
            until_equal(lambda: connection.execute(end_all, (name,)).fetchone(), (0,))
