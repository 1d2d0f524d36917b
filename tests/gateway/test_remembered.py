"""What a process remembers of others' answers."""

from __future__ import annotations

from gateway.remembered import Remembered


def test_a_value_counts_for_its_time() -> None:
    now = [0.0]
    remembered = Remembered[str, int](10, 30.0, lambda: now[0])
    remembered.put("a", 1)
    now[0] = 29.9
    assert remembered.get("a") == 1
    now[0] = 30.0
    assert remembered.get("a") is None


def test_past_the_most_the_oldest_goes() -> None:
    remembered = Remembered[str, int](2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        remembered.put(key, value)
    assert list(remembered.items()) == [("a", 3), ("c", 4)]
    remembered.forget("a")
    assert remembered.get("a") is None
    assert remembered.get("c") == 4
