"""One event's whole way, and a replay in which everything that can die does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.ids import new_id
from tests.e2e.product import Product
from tests.imports.oulad_files import part_of_sample
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return part_of_sample(tmp_path_factory.mktemp("oulad"))


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = client.post(f"/api/v1{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def panel(product: Product, name: str) -> list[dict[str, Any]]:
    answer = product.dashboards.get(f"/api/v1/analytics/dashboards/overview/panels/{name}")
    assert answer.is_success, answer.text
    data = answer.json()
    return [dict(zip(data["columns"], row, strict=True)) for row in data["rows"]]


def events_last_hour(product: Product) -> int:
    return sum(row["events"] for row in panel(product, "events_per_minute"))


def clicked(product: Product) -> int:
    return sum(row["clicked"] for row in panel(product, "recommendations"))


def test_history_and_replay_are_equal_everywhere_though_flink_relay_and_kafka_are_killed(
    product: Product, sample: Path
) -> None:
    product.command("import", "oulad", str(sample), "--hold-back-days", "3")
    replay = product.start("replay", "--speed", "0")
    for component in ("taskmanager", "relay", "kafka"):
        time.sleep(2)  # so that each dies while the one before is still coming back
        pid = product.kill(component)
        now = until(
            lambda component=component: product.components()[component],
            f"{component} is back",
            accepts=lambda found, pid=pid: found["state"] == "ready" and found["pid"] != pid,
            within_s=120,
            every_s=1.0,  # asking is a process of its own
        )
        assert now["restarts"] >= 1
    printed, _ = replay.communicate(timeout=300)
    assert replay.returncode == 0, printed

    report = product.said("verify", "--json", "--wait", "240", timeout_s=400)
    assert report["equal"], report
    assert product.command("dead-letters", "list") == (
        "no dead letters: every message could be read\n"
    )


def test_importing_and_replaying_again_changes_no_total(product: Product, sample: Path) -> None:
    before = product.said("verify", "--json", "--wait", "60")
    product.command("import", "oulad", str(sample), "--hold-back-days", "3")
    product.command("replay", "--speed", "0")
    after = product.said("verify", "--json", "--wait", "60")
    assert before["equal"]
    assert after["equal"]
    assert after["totals"] == before["totals"]
    look = "from pipelines.verify.behind import behind; print(behind())"
    until_equal(lambda: product.python(look), "None", within_s=20)


def test_what_a_learner_does_over_http_is_on_the_page_and_changes_what_they_are_offered(
    product: Product,
) -> None:
    product.command("import", "catalogue")
    product.command("train", "recommender")
    lms = product.lms
    learner = post(
        lms, "/users", {"email": f"{new_id()}@example.org", "name": "Sam", "role": "student"}
    )["id"]
    course, items = studyable(lms)
    post(lms, f"/courses/{course}/enrollments", {"user_id": learner})
    seen_before = events_last_hour(product)
    first = until(
        lambda: offered(product, learner),
        "something is offered",
        accepts=lambda answer: answer["items"],
    )

    for item in items[:3]:
        for event_type in ("content.viewed", "content.completed"):
            body = {"event_type": event_type, "user_id": learner}
            post(lms, f"/courses/{course}/items/{item}/events", body)

    until(
        lambda: events_last_hour(product) >= seen_before + 6, "the page counts them", within_s=120
    )
    changed = until(
        lambda: offered(product, learner),
        "something else is offered",
        accepts=lambda answer: (
            [i["item_id"] for i in answer["items"]] != [i["item_id"] for i in first["items"]]
        ),
        within_s=30,
    )
    assert all(item["reason"] and item["source"] for item in changed["items"])
    assert not {item["item_id"] for item in changed["items"]} & set(items[:3])

    clicks_before = clicked(product)
    post(
        product.serving,
        f"/recommendations/{changed['recommendation_id']}/clicks",
        {"item_id": changed["items"][0]["item_id"]},
    )
    until_equal(lambda: clicked(product), clicks_before + 1, within_s=30)
    report = product.said("verify", "--json", "--wait", "60")
    assert report["equal"], report


def studyable(lms: httpx.Client) -> tuple[str, list[str]]:
    """A published course with texts, and its items in order."""
    for course in lms.get("/api/v1/courses", params={"limit": 100}).json()["items"]:
        if course["metadata"].get("source") == "open-catalogue":
            found = lms.get(f"/api/v1/courses/{course['id']}/items").json()["items"]
            return course["id"], [item["id"] for item in found]
    raise AssertionError("the open catalogue is not in the LMS")


def offered(product: Product, learner: str) -> Any:
    answer = product.serving.get("/api/v1/recommendations", params={"user_id": learner, "limit": 5})
    assert answer.is_success, answer.text
    return answer.json()


def test_search_finds_items_by_what_they_mean(product: Product) -> None:
    def titles() -> list[str]:
        answer = product.serving.get(
            "/api/v1/search", params={"q": "which stars can I see tonight", "limit": 5}
        )
        return [hit["course_title"] for hit in answer.json()["items"]] if answer.is_success else []

    until(
        titles,
        "astronomy is found",
        accepts=lambda found: any("stronomy" in title for title in found),
        within_s=120,
    )


def test_every_component_is_ready_and_says_where_it_is(product: Product) -> None:
    components = until(
        product.components,
        "every component is ready",
        accepts=lambda found: all(component["state"] == "ready" for component in found.values()),
        within_s=120,
        every_s=0.5,
    )
    assert {"kafka", "postgres", "redis", "jobmanager", "taskmanager", "relay"} <= components.keys()
