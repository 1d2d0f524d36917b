"""The chain breaks at the first row that is not as it was sealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.ids import named_id
from core_lms.audit.chain import EMPTY, Head, next_hash, verify

BEGIN = datetime(2026, 2, 17, 14, 30, tzinfo=UTC)
ROWS = 7


def chained(count: int = ROWS, action: str = "user.read") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    before = EMPTY.hash
    for position in range(1, count + 1):
        row = {
            "position": position,
            "id": named_id("00000000-0000-4000-8000-000000000000", action, position),
            "at": BEGIN + timedelta(seconds=position),
            "actor": "user/00000000-0000-4000-8000-000000000001",
            "action": action,
            "resource": "person 1",
            "about": ["00000000-0000-4000-8000-000000000002"],
            "session_id": None,
            "institution_id": "00000000-0000-4000-8000-000000000003",
            "sealed_at": BEGIN + timedelta(seconds=position + 1),
        }
        before = next_hash(before, row)
        rows.append(row | {"hash": before})
    return rows


def head_of(rows: list[dict[str, Any]]) -> Head:
    return Head(rows[-1]["position"], rows[-1]["hash"])


def test_a_whole_chain_is_whole_and_tells_its_head() -> None:
    rows = chained()
    verdict = verify(rows, [head_of(rows), head_of(rows[:3])])
    assert (verdict.rows, verdict.head, verdict.broken) == (ROWS, head_of(rows), None)
    assert verify([]).head == EMPTY


@pytest.mark.parametrize("column", sorted(set(chained(1)[0]) - {"position"}))
def test_a_change_of_any_column_is_found_at_its_row(column: str) -> None:
    rows = chained()
    other = chained(action="user.update")[3][column]
    changed = {"about": [], "session_id": "x", "hash": bytes(32)}.get(column, other)
    if changed == rows[3][column]:
        changed = f"{changed}0" if isinstance(changed, str) else changed + timedelta(microseconds=1)
    rows[3] = rows[3] | {column: changed}
    verdict = verify(rows)
    assert verdict.broken_at == 4
    assert "changed" in (verdict.broken or "")


def test_a_row_that_is_gone_is_missing() -> None:
    rows = chained()
    del rows[2]
    assert (verify(rows).broken_at, verify(rows).broken) == (3, "the row is missing")


def test_a_row_put_in_between_does_not_follow() -> None:
    rows = chained()
    forged = rows[2] | {"id": "11111111-0000-4000-8000-000000000000", "position": 4}
    forged["hash"] = next_hash(rows[2]["hash"], forged)
    later = [row | {"position": row["position"] + 1} for row in rows[3:]]
    assert verify([*rows[:3], forged, *later]).broken_at == 5


def test_an_end_that_is_cut_off_is_missed_by_whoever_kept_the_head() -> None:
    rows = chained()
    assert verify(rows[:-2]).broken is None  # the chain alone does not show it
    verdict = verify(rows[:-2], [head_of(rows)])
    assert verdict.broken_at == ROWS - 1
    assert "cut off" in (verdict.broken or "")


def test_a_chain_computed_anew_is_not_the_one_that_was_kept() -> None:
    verdict = verify(chained(action="nothing.at-all"), [head_of(chained()[:4])])
    assert verdict.broken_at == 4
    assert "kept" in (verdict.broken or "")


def test_heads_are_read_as_they_are_written() -> None:
    head = head_of(chained())
    assert Head.parse(str(head)) == head
    for text in ("", "1", "x:00", "1:zz", "1:00", "-1:" + "00" * 32):
        with pytest.raises(ValueError):
            Head.parse(text)
