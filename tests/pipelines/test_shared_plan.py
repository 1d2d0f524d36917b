"""What Flink makes of several jobs: each topic is read and checked once, and states keep names."""

from __future__ import annotations

import json

import pytest

from contracts.topics import ASSESSMENTS, CONTENT
from pipelines import application
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
        {n for n, one in made.states.items() if "Aggregate" in one[0]} for made in (plan, other)
    ]
    assert len(sums[0]) == len(sums[1]) == 3
    assert not sums[0] & sums[1]
