"""Plays one round: a day at school while components are killed; then everything has to be equal."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlparse

from contracts.envelope import Envelope
from contracts.topics import CONTENT
from pipelines.verify.reconcile import verify
from stack.flink import FlinkSettings
from stack.kafka import KafkaSettings
from stack.local.record import recorded
from tests.soak import drained
from tests.soak.lms import Lms
from tests.soak.plan import VICTIMS, Kill, Round
from tests.soak.publishing import publish
from tests.soak.school import School

CHUNK = 100
"""Events of one transaction of the LMS."""
DRAINED_WITHIN_S = 600.0
"""A restarted Flink cluster needs half a minute on two idle cores, and many on busy ones."""
COMPONENTS = frozenset(VICTIMS)


@dataclass
class Life:
    """A school's days so far, and how long each took to come through."""

    school: School
    lms: Lms = field(default_factory=Lms)
    events: int = 0
    content: int = 0
    day: int = 0

    def begin(self) -> None:
        self._count(self.lms.found(self.school))
        self.events += self.lms.describe(self.school)

    def play(self, one: Round) -> str:
        """One day under the round's disturbances; returns how it went.

        Raises ``AssertionError`` with the round and the first difference, or what did not arrive.
        """
        events = self.school.day(self.day, one.late)
        self.day += 1
        self._count(events)
        chance = random.Random(f"{one.number}/{self.school.institution_id}")
        started = time.monotonic()
        with ThreadPoolExecutor() as pool:
            doing = [pool.submit(self._write, events, one)]
            doing += [pool.submit(_kill, kill, one) for kill in one.kills]
            if one.repeated:
                again = chance.sample(events, len(events))
                doing.append(pool.submit(_send_again, again, chance))
        for done in doing:
            done.result()
        written_s = time.monotonic() - started
        waiting = drained.wait(
            self.school.institution_id, self.events, self.content, DRAINED_WITHIN_S, COMPONENTS
        )
        through_s = time.monotonic() - started
        report = verify(wait_s=120, institution=self.school.institution_id, repeats=True)
        assert report.equal, (
            f"{one}: {report.trouble or report.difference} ({waiting or 'nothing waits'})"
        )
        assert not waiting, f"{one}: equal, but {waiting}"
        return (
            f"{one}; {len(events):,} events, written after {written_s:.1f} s, "
            f"through after {through_s:.1f} s, equal"
        )

    def _count(self, events: Sequence[Envelope]) -> None:
        self.events += len(events)
        self.content += sum(event.topic == CONTENT.name for event in events)

    def _write(self, events: Sequence[Envelope], one: Round) -> None:
        """All of the day, spread over the time in which components die, and a little longer."""
        pause_s = (max((kill.after_s for kill in one.kills), default=0.0) + 1.0) / (
            len(events) / CHUNK + 1
        )
        for start in range(0, len(events), CHUNK):
            self.lms.write(events[start : start + CHUNK])
            time.sleep(pause_s)


def _kill(kill: Kill, one: Round) -> None:
    time.sleep(kill.after_s)
    record = recorded(kill.component)
    process = record and record.process()
    # Who is not there has died of another's death, and is on its way back.
    if process:
        process.kill()
    if kill.component == "jobmanager" and one.checkpoints_lost:
        shutil.rmtree(urlparse(FlinkSettings().checkpoint_dir).path, ignore_errors=True)


def _send_again(events: Sequence[Envelope], chance: random.Random) -> None:
    """To any partition."""
    partitions = KafkaSettings().partitions
    publish(((event, chance.randrange(partitions)) for event in events), pause_s=0.001)
