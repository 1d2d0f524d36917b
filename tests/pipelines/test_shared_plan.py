"""What Flink makes of several jobs: each topic is read and checked once, and states keep names."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from contracts import flink
from contracts.tiles import TABLES
from contracts.topics import ASSESSMENTS, CONTENT
from pipelines import application, published
from pipelines.job import catalogue
from pipelines.plan import Plan, differences
from pipelines.start import Start
from tests.pipelines.coming import NAME, course_work

pytestmark = pytest.mark.slow  # it starts Java

JOB = catalogue()["course_activity"]
FIRST = {JOB.name: Start(0)}
LATER = Start(1, {CONTENT.name: {"0": 5, "1": 7}, ASSESSMENTS.name: {"0": 3}}, fresh=True)


@pytest.fixture(scope="module")
def alone() -> Plan:
    return application.compiled([JOB], FIRST)


@pytest.fixture(scope="module")
def both() -> Plan:
    return application.compiled([course_work("day"), JOB], FIRST | {NAME: LATER})


def test_every_job_together_reads_and_checks_each_message_once() -> None:
    """However many jobs read a topic, and whenever each of them began."""
    jobs = list(catalogue().values())
    later = {topic.name: {"0": 5, "1": 7} for job in jobs for topic in job.reads}
    starts = {job.name: Start(n, later if n % 2 else {}) for n, job in enumerate(jobs)}
    nodes = json.loads(application.compiled(jobs, starts).text)["nodes"]
    read = [name for job in jobs for name in {topic.name for topic in job.reads}]
    assert len(read) > len(set(read)), "some topic has several readers"
    tables = {
        flink.table_name(topic): flink.repeats_name(topic) for job in jobs for topic in job.reads
    }
    sources = Counter(about(node) for node in nodes if "table-source-scan" in node["type"])
    wanted = {name for pair in tables.items() for name in (pair[0], f"{pair[1]}_told")}
    assert sources == Counter(wanted)
    checks = [node for node in nodes if "REGEXP" in json.dumps(node)]
    assert len(checks) == len(wanted)


def test_what_only_grows_is_never_taken_back() -> None:
    """Else each changed tile would be sent as it was, too, and each sum kept twice."""
    jobs = list(catalogue().values())
    starts = {job.name: Start(n) for n, job in enumerate(jobs)}
    nodes = json.loads(application.compiled(jobs, starts).text)["nodes"]
    sinks = {about(node): node["inputChangelogMode"] for node in nodes if "sink" in node["type"]}
    tiles = {name for table in TABLES for name in (table, published.name(table))}
    assert tiles <= sinks.keys()
    assert [name for name in tiles if "UPDATE_BEFORE" in sinks[name]] == []
    taken_back = [node["description"] for node in nodes if "_RETRACT" in node["description"]]
    grouped = {re.findall(r"groupBy=\[(\w+)", text)[0] for text in taken_back}
    assert grouped == {"hour_at", "day_at"}, "sums of minutes, which change"
    assert len(taken_back) == 4


def about(node: dict[str, Any]) -> str:
    """The table of a source's or a sink's node."""
    found = re.search(r"default_database[.,] ?(\w+)", node["description"])
    assert found, node["description"]
    return found[1]


def test_two_jobs_that_read_a_topic_share_its_source_and_its_check(both: Plan) -> None:
    nodes = json.loads(both.text)["nodes"]
    sources = [node["description"] for node in nodes if "table-source-scan" in node["type"]]
    for topic in ("content", "assessments"):
        assert sum(f" {topic}_messages," in source for source in sources) == 1
        assert sum(f" {topic}_repeats_told," in source for source in sources) == 1
    # Of messages, and of those that repeat one.
    assert sum("REGEXP" in json.dumps(node) for node in nodes) == 4
    assert sum(
        "_messages" in node["description"] and "offset" in node["description"] for node in nodes
    )


def test_a_job_that_comes_leaves_the_others_their_states(alone: Plan, both: Plan) -> None:
    assert len(alone.states) == 6
    assert set(alone.states) < set(both.states)
    assert differences(alone.states, both, JOB.name) == []
    assert differences(alone.states, both, NAME) != []
    assert differences(alone.states, both, NAME, fresh=True) == []
    assert differences(both.states, alone, JOB.name) == []


def test_a_job_counted_anew_or_changed_has_new_states_and_the_others_theirs(both: Plan) -> None:
    anew = Start(2, LATER.offsets, fresh=True)
    after = application.compiled([JOB, course_work("hour")], FIRST | {NAME: anew})
    assert differences(both.states, after, JOB.name) == []
    own = {name for name, (_, _, jobs) in both.states.items() if jobs == [NAME]}
    new = {name for name, (_, _, jobs) in after.states.items() if jobs == [NAME]}
    shared = {name for name, (about, _, _) in both.states.items() if "assessments" in about}
    assert shared <= own & new, "the topic that it alone reads is read on"
    assert len(own - new) == len(new - own) == 1


def test_the_same_sums_of_two_jobs_are_two_states() -> None:
    twin = type(JOB)("twin", JOB.about, JOB.reads, JOB.tables, JOB.variants)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(JOB), "sql_path", JOB.sql_path)
        plan = application.compiled([JOB], {JOB.name: Start(0)})
        other = application.compiled([twin], {"twin": Start(1)})
    sums = [
        {n for n, one in made.states.items() if "GroupAggregate" in one[0]}
        for made in (plan, other)
    ]
    assert len(sums[0]) == len(sums[1]) == 3
    assert not sums[0] & sums[1]
