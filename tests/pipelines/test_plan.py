"""A state is found again by what it is, wherever its operator stands in the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.plan import Owner, Plan, differences, plan

SCAN = "TableSourceScan(table=[[default_catalog, default_database, {}]], fields=[a, b])"
SUMS = {
    "minute": "GlobalGroupAggregate(groupBy=[minute], select=[minute, SUM(n) AS n])",
    "hour": "GlobalGroupAggregate(groupBy=[hour], select=[hour, SUM(n) AS n])",
}


OWNER = {"minute": Owner("course", 0), "hour": Owner("course", 0), "other": Owner("second", 1)}


def compiled(
    *sums: str,
    source: str = "events",
    kept: str = "BIGINT",
    apart: int = 0,
    owners: Mapping[str, Owner] = OWNER,
) -> Plan:
    """A plan of a topic and its repeats, united, and a sum into a table for each name.

    ``apart`` nodes without state stand before them.
    """
    scan = "stream-exec-table-source-scan_2"
    nodes: list[dict[str, Any]] = [
        {"id": 1, "type": scan, "description": SCAN.format(source)},
        {"id": 2, "type": scan, "description": SCAN.format(f"{source}_told")},
        {
            "id": 3,
            "type": "stream-exec-deduplicate_1",
            "description": "Deduplicate(keep=[FirstRow])",
            "state": [{"index": 0}],
        },
        {"id": 4, "type": "stream-exec-union_1", "description": "Union(all=[true])"},
    ]
    nodes += [
        {"id": 5 + n, "type": "stream-exec-calc_1", "description": f"Calc({n})"}
        for n in range(apart)
    ]
    edges = [(1, 4), (2, 3), (3, 4), *((4, 5 + n) for n in range(apart))]
    for name in sums:
        first = len(nodes) + 1
        nodes += [
            {
                "id": first,
                "type": "stream-exec-global-group-aggregate_1",
                "description": SUMS.get(name, SUMS["hour"]),
                "state": [{"index": 0, "ttl": "1 h", "name": "globalGroupAggregateState"}],
                "outputType": f"ROW<`n` {kept}>",
            },
            {
                "id": first + 1,
                "type": "stream-exec-sink_2",
                "description": f"Sink(table=[default_catalog.default_database.{name}], fields=[])",
            },
        ]
        edges += [(4, first), (first, first + 1)]
    linked = [{"source": source, "target": target} for source, target in edges]
    return plan(json.dumps({"flinkVersion": "2.3", "nodes": nodes, "edges": linked}), owners)


def remembered(made: Plan) -> Any:
    return json.loads(json.dumps(made.states))


def names(made: Plan, job: str) -> set[str]:
    """Names of the states of one job alone."""
    return {name for name, (_, _, jobs) in made.states.items() if list(jobs) == [job]}


def test_a_state_keeps_its_name_whatever_stands_around_it() -> None:
    before, after = compiled("minute", "hour"), compiled("hour", "minute", apart=3)
    assert before.states == after.states
    assert len(before.states) == 5
    loaded = json.loads(after.text)
    ids = {node["id"] for node in loaded["nodes"]}
    assert len(ids) == len(loaded["nodes"])
    assert all({edge["source"], edge["target"]} <= ids for edge in loaded["edges"])
    assert differences(remembered(before), after, "course") == []


def test_what_is_no_longer_kept_is_no_reason_to_refuse() -> None:
    assert differences(remembered(compiled("minute", "hour")), compiled("hour"), "course") == []


def test_a_second_job_of_the_same_sums_leaves_the_first_its_states_and_has_its_own() -> None:
    before, both = compiled("minute", "hour"), compiled("other", "hour", "minute")
    assert set(before.states) < set(both.states)
    assert len(names(both, "second")) == 1
    assert differences(remembered(before), both, "course") == []
    (reason,) = differences(remembered(before), both, "second")
    assert reason == f"there is no state yet for {SUMS['hour']}"
    assert differences(remembered(before), both, "second", fresh=True) == []


def test_a_job_that_is_counted_anew_never_finds_its_old_state_and_others_find_theirs() -> None:
    before = compiled("minute", "hour", "other")
    after = compiled("minute", "hour", "other", owners=OWNER | {"other": Owner("second", 2)})
    assert names(before, "course") == names(after, "course")
    assert not names(before, "second") & names(after, "second")
    assert differences(remembered(before), after, "course") == []
    assert differences(remembered(before), after, "second") != []


def test_sums_alike_of_one_job_are_told_apart_by_their_tables() -> None:
    """Without its like, one is refused: it might be the other's."""
    owners = {name: Owner("course", 0) for name in ("hour", "twin")}
    before = compiled("hour", "twin", owners=owners)
    assert before.states == compiled("twin", "hour", owners=owners).states
    assert differences(remembered(before), compiled("twin", owners=owners), "course") != []


def test_the_same_sum_kept_in_another_shape_or_of_another_topic_is_a_reason() -> None:
    before = remembered(compiled("hour"))
    (reason,) = differences(before, compiled("hour", kept="DOUBLE"), "course")
    assert reason == f"the state of {SUMS['hour']} has another shape"
    reasons = differences(before, compiled("hour", source="others"), "course")
    assert len(reasons) == 4
    assert "there is no state yet for others" in reasons
