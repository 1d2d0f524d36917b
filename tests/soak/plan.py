"""Who is killed in which round and when: drawn from a seed, so that a failure can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pydantic_settings import BaseSettings, SettingsConfigDict

VICTIMS = (
    *("taskmanager", "jobmanager", "kafka", "postgres", "redis"),
    *("archive", "derive", "relay", "features"),
)


class SoakSettings(BaseSettings):
    """``LMS_SOAK_*``, the options of ``learnstream soak``."""

    model_config = SettingsConfigDict(env_prefix="LMS_SOAK_", frozen=True)

    seed: int = 1
    rounds: int = 20
    first: int = 1
    """The round to begin with: to play again the one that failed."""
    days: int = 30


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL for ``part``, ``after_s`` into the round."""

    part: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Round:
    """What disturbs one round besides work as usual."""

    number: int
    kills: tuple[Kill, ...]
    late: float
    """Share of the events that belong to another time."""
    repeated: bool
    """Every event is also sent by another way, in another order, to any partition: half of them
    before the LMS tells it."""
    checkpoints_lost: bool
    """The folder of checkpoints goes with a JobManager: the jobs read the topics from the start."""

    def __str__(self) -> str:
        told = [f"{kill.part} killed after {kill.after_s:.2f} s" for kill in self.kills]
        if self.repeated:
            told.append("every event twice")
        if self.late:
            told.append(f"{self.late:.0%} late")
        if self.checkpoints_lost:
            told.append("all checkpoints lost")
        return f"round {self.number}: {', '.join(told)}"


def rounds(seed: int, count: int, within_s: float = 6.0) -> list[Round]:
    """Equal for equal seeds; every victim dies before one dies again, in every third round two."""
    chance = random.Random(seed)
    waiting: list[str] = []
    found = []
    for number in range(1, count + 1):
        parts: list[str] = []
        while len(parts) < (2 if number % 3 == 0 else 1):
            if not waiting:
                waiting = chance.sample(VICTIMS, len(VICTIMS))
            part = waiting.pop()
            if part not in parts:
                parts.append(part)
        kills = tuple(Kill(part, round(chance.uniform(0.1, within_s), 2)) for part in parts)
        found.append(
            Round(
                number,
                tuple(sorted(kills, key=lambda kill: kill.after_s)),
                late=chance.choice((0.0, 0.05, 0.3)),
                repeated=number % 2 == 0,
                checkpoints_lost="jobmanager" in parts and chance.random() < 0.4,
            )
        )
    return found
