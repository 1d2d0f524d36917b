"""A state is found again by what it is, wherever its operator stands in the plan."""

from __future__ import annotations

import json
from typing import Any

from pipelines.plan import Plan, differences, plan

SCAN = "TableSourceScan(table=[[default_catalog, default_database, {}]], fields=[a, b])"
SUMS = {
    "minute": "GlobalGroupAggregate(groupBy=[minute], select=[minute, SUM(n) AS n])",
    "hour": "GlobalGroupAggregate(groupBy=[hour], select=[hour, SUM(n) AS n])",
}


def compiled(*sums: str, source: str = "events", kept: str = "BIGINT", apart: int = 0) -> Plan:
    """A plan of one source and a sum for each name; ``apart`` nodes without state before them."""
    nodes: list[dict[str, Any]] = [
        {"id": 1, "type": "stream-exec-table-source-scan_2", "description": SCAN.format(source)}
    ]
    nodes += [
        {"id": 2 + n, "type": "stream-exec-calc_1", "description": f"Calc({n})"}
        for n in range(apart)
    ]
    first = len(nodes) + 1
    nodes += [
        {
            "id": first + n,
            "type": "stream-exec-global-group-aggregate_1",
            "description": SUMS[name],
            "state": [{"index": 0, "ttl": "1 h", "name": "globalGroupAggregateState"}],
            "outputType": f"ROW<`n` {kept}>",
        }
        for n, name in enumerate(sums)
    ]
    edges = [{"source": 1, "target": node["id"]} for node in nodes[1:]]
    text = json.dumps({"flinkVersion": "2.3", "nodes": nodes, "edges": edges})
    return plan(text, {name: f"digest of {name}" for name in sums}, part_s=60)


def remembered(made: Plan) -> dict[str, Any]:
    return json.loads(json.dumps(made.facts()))


def test_a_state_keeps_its_name_whatever_stands_around_it() -> None:
    before, after = compiled("minute", "hour"), compiled("hour", "minute", apart=3)
    assert before.states == after.states
    assert len(before.states) == 3
    loaded = json.loads(after.text)
    ids = {node["id"] for node in loaded["nodes"]}
    assert len(ids) == len(loaded["nodes"])
    assert all({edge["source"], edge["target"]} <= ids for edge in loaded["edges"])
    assert differences(remembered(before), after) == []


def test_what_is_no_longer_kept_is_no_reason_to_refuse() -> None:
    assert differences(remembered(compiled("minute", "hour")), compiled("hour")) == []


def test_a_new_table_that_would_lack_earlier_events_is_a_reason() -> None:
    (reason,) = differences(remembered(compiled("hour")), compiled("minute", "hour"))
    assert reason.startswith("minute is new")


def test_the_same_table_by_another_statement_is_a_reason() -> None:
    before = remembered(compiled("hour"))
    before["tables"]["hour"] = "digest of something else"
    (reason,) = differences(before, compiled("hour"))
    assert reason.startswith("hour is made by another statement")


def test_the_same_sum_kept_in_another_shape_or_of_another_topic_is_a_reason() -> None:
    before = remembered(compiled("hour"))
    (reason,) = differences(before, compiled("hour", kept="DOUBLE"))
    assert reason == f"the state of {SUMS['hour']} has another shape"
    reasons = differences(before, compiled("hour", source="others"))
    assert reasons == [
        "there is no state yet for others",
        f"there is no state yet for {SUMS['hour']}",
    ]


def test_parts_of_another_length_are_a_reason() -> None:
    before = remembered(compiled("hour")) | {"part_s": 3600}
    (reason,) = differences(before, compiled("hour"))
    assert "60 s of arrival and spanned 3600 s (LMS_FLINK_STATE_TTL_H)" in reason
