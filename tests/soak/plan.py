"""Who is killed in which round and when: drawn from a seed, so that a failure can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pydantic_settings import BaseSettings, SettingsConfigDict

VICTIMS = (
    *("taskmanager", "jobmanager", "kafka", "postgres", "redis"),
    *("archive", "derive", "relay", "live", "features"),
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
    """SIGKILL for ``component``, ``after_s`` into the round."""

    component: str
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
    before the LMS publishes it."""
    checkpoints_lost: bool
    """The folder of checkpoints goes with a JobManager: the jobs read the topics from the start."""

    def __str__(self) -> str:
        said = [f"{kill.component} killed after {kill.after_s:.2f} s" for kill in self.kills]
        if self.repeated:
            said.append("every event twice")
        if self.late:
            said.append(f"{self.late:.0%} late")
        if self.checkpoints_lost:
            said.append("all checkpoints lost")
        return f"round {self.number}: {', '.join(said)}"


def rounds(seed: int, count: int, within_s: float = 6.0) -> list[Round]:
    """Equal for equal seeds; every victim dies before one dies again, in every third round two."""
    chance = random.Random(seed)
    waiting: list[str] = []
    found = []
    for number in range(1, count + 1):
        components: list[str] = []
        while len(components) < (2 if number % 3 == 0 else 1):
            if not waiting:
                waiting = chance.sample(VICTIMS, len(VICTIMS))
            component = waiting.pop()
            if component not in components:
                components.append(component)
        kills = tuple(
            Kill(component, round(chance.uniform(0.1, within_s), 2)) for component in components
        )
        found.append(
            Round(
                number,
                tuple(sorted(kills, key=lambda kill: kill.after_s)),
                late=chance.choice((0.0, 0.05, 0.3)),
                repeated=number % 2 == 0,
                checkpoints_lost="jobmanager" in components and chance.random() < 0.4,
            )
        )
    return found
