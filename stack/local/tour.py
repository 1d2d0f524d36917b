"""What the demo prints at its end: changed recommendations, a table of results, where to look."""

from __future__ import annotations

import io
import json
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from contracts.errors import Retryable
from contracts.topics import CONTENT, EVENT_TOPICS
from stack import cli, postgres, tls
from stack.flink import FlinkSettings
from stack.http import HttpSettings
from stack.profile import profile

_CHANGED_WITHIN_S = 20.0
_ROWS = {
    "events in the archive": "SELECT count(*) FROM analytics.activity_events",
    "rows per course and minute": "SELECT count(*) FROM analytics.course_activity_minute",
    "rows per course and hour": "SELECT count(*) FROM analytics.course_activity_hour",
    "rows per course and day": "SELECT count(*) FROM analytics.course_activity_day",
    "tiles per learner, course and hour": "SELECT count(*) FROM analytics.learner_tiles",
    "tiles per item and hour": "SELECT count(*) FROM analytics.item_tiles",
    "rows per learner, course and day": "SELECT count(*) FROM analytics.learner_course_day",
}
_FRESHNESS = """
SELECT max(extract(epoch FROM received_at - timestamp))::float8
FROM (SELECT received_at, timestamp FROM analytics.activity_events
      WHERE user_id = %s AND topic = %s ORDER BY timestamp DESC LIMIT 4) AS studied
"""


def is_trained() -> bool:
    """Whether a recommender is live in this profile."""
    return (profile().artefacts / "recommender" / "live").exists()


def show_changed_recommendations(console: Console) -> None:
    """One invented learner finishes two recommended items; print the list before and after.

    Done once per profile: the outcome is stored, and printed again by a later demo.
    """
    path = _outcome_file()
    if not path.exists():
        path.write_text(json.dumps(_finish_two_recommended_items()), encoding="utf-8")
    outcome = json.loads(path.read_text(encoding="utf-8"))
    table = Table("", "before", f"after finishing the first two ({outcome['seconds']:.1f} s later)")
    for place, (before, after) in enumerate(
        zip(outcome["before"], outcome["after"], strict=False), start=1
    ):
        table.add_row(str(place), _described(before), _described(after))
    console.print(table)
    console.print(f"[dim]{outcome['name']} is invented; the recommendations are the model's.[/dim]")


def _outcome_file() -> Path:
    return profile().run / "offers.json"


def _finish_two_recommended_items() -> dict[str, Any]:
    with _pages() as page:
        _sign_in(page, "--role", "admin")
        learner = _an_invented_learner(page)
        _sign_in(page, "--user", learner["id"])
        before = _offers(page, learner["id"])
        began = time.monotonic()
        for item in before[:2]:
            for event_type in ("content.viewed", "content.completed"):
                done = {key: item[key] for key in ("course_id", "item_id")}
                body = {**done, "event_type": event_type}
                page.post(f"/api/v1/learners/{learner['id']}/events", json=body).raise_for_status()
        # Until the feature row has reached the online store: then what was studied is a reason, and
        # not only filtered out.
        studied = [item["title"] for item in before[:2]]
        while time.monotonic() - began < _CHANGED_WITHIN_S:
            after = _offers(page, learner["id"])
            if any(title in item["reason"] for title in studied for item in after):
                break
            time.sleep(0.2)
        return {
            "name": learner["name"],
            "before": before,
            "after": after,
            "seconds": time.monotonic() - began,
            "event_to_row_s": _event_to_row_s(learner["id"]),
        }


def _event_to_row_s(learner_id: str) -> float:
    """Seconds from the learner's last four events to their rows, the slowest of them."""
    with postgres.connect_analytics() as connection:
        found = connection.execute(_FRESHNESS, (learner_id, CONTENT.name)).fetchone()
    return float(found[0]) if found and found[0] is not None else float("nan")


def _an_invented_learner(page: httpx.Client) -> dict[str, Any]:
    learners = page.get("/api/v1/learners").raise_for_status().json()["learners"]
    invented = [one for one in learners if one["invented"] and one["events"]]
    if not invented:
        raise Retryable("no invented learner has studied yet: run learnstream study")
    found: dict[str, Any] = invented[0]
    return found


def _pages() -> httpx.Client:
    """A client of the pages, like a browser."""
    address = HttpSettings().dashboards_url
    return httpx.Client(
        base_url=address, timeout=30, headers={"Origin": address}, verify=tls.client_context()
    )


def _sign_in(page: httpx.Client, *who: str) -> None:
    token = _link(*who).partition("#")[2]
    page.post("/api/v1/session/link", json={"token": token}).raise_for_status()


def _link(*who: str) -> str:
    """What `learnstream sign-in` prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        cli.call("sign-in", *who)
    return printed.getvalue().strip()


def _offers(page: httpx.Client, learner_id: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 60  # serving may still be reading the catalogue
    while True:
        answer = page.get(f"/api/v1/learners/{learner_id}/recommendations", params={"limit": 5})
        if answer.is_success:
            items: list[dict[str, Any]] = answer.json()["items"]
            return items
        if time.monotonic() > deadline:
            raise Retryable(f"serving does not answer: {answer.text[:300]}")
        time.sleep(0.5)


def _described(item: dict[str, Any]) -> str:
    return f"{item['title']}\n[dim]{item['reason']}[/dim]"


def show_summary(
    console: Console, seconds: dict[str, float], total_s: float, *, equal: bool
) -> None:
    """Events in, rows out, freshness, totals verified, and the addresses to open."""
    table = Table("result", "", title="Learnstream", title_justify="left")
    table.columns[1].justify = "right"
    try:
        with postgres.connect_analytics() as connection:
            _add_figures(table, connection)
    except psycopg.OperationalError as error:
        raise Retryable(f"the analytical database does not answer: {error}") from error
    verdict = "[green]equal[/green]" if equal else "[red]NOT equal: see above[/red]"
    table.add_row("source, LMS, Kafka, TimescaleDB", verdict)
    for sentence, took in seconds.items():
        table.add_row(f"[dim]{sentence}[/dim]", f"[dim]{took:.1f} s[/dim]")
    table.add_row("all of it", f"{total_s:.0f} s")
    console.print(table)
    http = HttpSettings()
    addresses = {
        "the pages, as administrator": _link("--role", "admin"),
        "the pages, as a teacher": _link("--role", "instructor"),
        "the pages, as a learner": _link("--role", "student"),
        "the LMS's API": f"{http.lms_url}/docs",
        "recommendations and search": f"{http.serving_url}/docs",
        "Flink": f"{FlinkSettings().rest_url}/",
    }
    for about, address in addresses.items():
        console.print(f"{about:<29}{address}", highlight=False, soft_wrap=True)
    console.print(
        "\nEach of the three links signs in once, within half an hour, as an invented person; "
        "`./learnstream sign-in` prints another."
    )
    console.print(
        "The stack stays up: `./learnstream status` shows it, `./learnstream down` stops it. "
        "Next: paste the journey from README.md, an account to a certificate over the API."
    )


def _add_figures(table: Table, connection: psycopg.Connection[Any]) -> None:
    for topic in EVENT_TOPICS:
        counted = connection.execute(
            "SELECT count(*) FROM analytics.activity_events WHERE topic = %s", (topic.name,)
        ).fetchone()
        table.add_row(f"events of {topic.name}", f"{counted[0]:,}" if counted else "")
    for about, query in _ROWS.items():
        counted = connection.execute(query).fetchone()
        table.add_row(about, f"{counted[0]:,}" if counted else "")
    outcome = json.loads(_outcome_file().read_text(encoding="utf-8"))
    table.add_row("from request to row, slowest of four", f"{outcome['event_to_row_s']:.2f} s")
