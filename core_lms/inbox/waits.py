"""Which partitions have to wait for how long, because their next event cannot be applied yet."""

from __future__ import annotations

from dataclasses import dataclass, field

Partition = tuple[str, int]


@dataclass(slots=True)
class Waits:
    """Times are monotonic seconds, given by the caller."""

    min_s: float
    max_s: float
    _until: dict[Partition, float] = field(default_factory=dict)
    _last_s: dict[Partition, float] = field(default_factory=dict)

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._until

    def block(self, partition: Partition, now: float) -> float:
        """Let it wait, twice as long as the last time; returns the seconds."""
        wait_s = min(self.max_s, max(self.min_s, self._last_s.get(partition, 0.0) * 2))
        self._until[partition] = now + wait_s
        self._last_s[partition] = wait_s
        return wait_s

    def moved(self, partition: Partition) -> None:
        """An event of it was applied: the next wait is a short one."""
        self._last_s.pop(partition, None)

    def over(self, now: float) -> list[Partition]:
        """Partitions that have waited long enough; they no longer wait."""
        found = [partition for partition, until in self._until.items() if until <= now]
        for partition in found:
            del self._until[partition]
        return found

    def clear(self) -> None:
        """Nobody waits any more; how long the last waits were is remembered."""
        self._until.clear()
