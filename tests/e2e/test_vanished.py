"""Somebody is erased while all runs, Kafka forgets, Flink loses its state: all stays equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product
from tests.e2e.test_spine import sample
from tests.waiting import until_equal

__all__ = ["sample"]

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(1200)]

TRUNCATE = """
from contextlib import closing
from confluent_kafka import TopicPartition
from contracts.topics import HEARTBEATS, TOPICS
from stack import kafka

places = kafka.places(*(topic.name for topic in TOPICS if topic is not HEARTBEATS))
with closing(kafka.consumer("test-truncate")) as reader:
    ends = [
        TopicPartition(*place, reader.get_watermark_offsets(TopicPartition(*place), timeout=30)[1])
        for place in places
    ]
client = kafka.admin()  # its answers end with it
for future in client.delete_records([end for end in ends if end.offset > 0]).values():
    future.result(60)
"""
LOSE = """
import shutil
from stack import postgres
from stack.profile import profile

shutil.rmtree(profile().run / "checkpoints", ignore_errors=True)
with postgres.connect_analytics() as connection:
    connection.execute("DELETE FROM stream_application")
"""


def sql(product: Product, database: str, query: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(
        product.python(
            f"import json; from stack.postgres import connect_{database} as connect\n"
            f"with connect() as c: print(json.dumps(c.execute({query!r}).fetchall(), default=str))"
        )
    )
    return rows


def equal(product: Product) -> None:
    facts = product.said("verify", "--json", "--wait", "300", timeout_s=400)
    assert facts["equal"], facts


def test_an_erasure_an_expired_kafka_and_a_lost_state_leave_everything_equal(
    product: Product, sample: Path
) -> None:
    if not sql(product, "lms", "SELECT id FROM import_runs LIMIT 1"):
        product.command("import", "oulad", str(sample), "--hold-back-days", "3")
    equal(product)
    [[ana, events]] = sql(
        product,
        "analytics",
        "SELECT user_id::text, count(*) FROM activity_events WHERE topic = 'lms.content.events' "
        "GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    )
    looked = product.command("privacy", "look", ana)
    for store in ("database lms", "database analytics", "redis", "kafka"):
        assert store in looked, f"{store} has them before"
    product.command("privacy", "erase", ana)
    equal(product)
    of_pseudonyms = (
        "SELECT count(*) FROM activity_events JOIN erasures ON pseudonym = user_id "
        "WHERE topic = 'lms.content.events'"
    )
    assert sql(product, "analytics", of_pseudonyms) == [[events]]

    product.python(TRUNCATE)
    equal(product)
    sums = "SELECT sum(events)::bigint, sum(clicks)::bigint FROM course_activity_minute"
    before = sql(product, "analytics", sums)
    product.command("down", "jobmanager", "taskmanager")
    product.python(LOSE)
    product.command("up", timeout_s=600)
    product.command("jobs", "restore", timeout_s=600)
    assert sql(product, "analytics", sums) == before
    equal(product)
    # Every store was searched a second time.
    until_equal(
        lambda: sql(product, "lms", "SELECT erasures_open()"), [[0]], within_s=180, every_s=2.0
    )
    looked = product.command("privacy", "look", ana)
    assert "moved in every store" in looked
    assert "nothing stays" in looked
    assert "kafka" not in looked
