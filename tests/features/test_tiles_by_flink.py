"""From an event to the window that serving reads: the job, its topic, the pusher, Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.ids import new_id
from contracts.topics import CONTENT
from features.catalogue import WINDOW_VIEWS
from pipelines import operation
from stack import kafka, postgres
from stack.profile import Profile
from tests.features.test_push import pushing
from tests.features.test_tile_push import features
from tests.pipelines.messages import viewed
from tests.waiting import until_equal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]

LEARNER, COURSE = WINDOW_VIEWS["learner_windows"], WINDOW_VIEWS["course_windows"]


def test_an_event_is_in_the_windows_and_in_the_table_alike(flink: Profile) -> None:
    user_id, course_id, now = new_id(), new_id(), datetime.now(UTC)
    operation.submit()
    try:
        with pushing():
            producer = kafka.producer()
            for ago, clicks in ((0, 1), (1, 2), (26, 4), (24 * 100, 8)):
                at = now - timedelta(hours=ago)
                event = viewed(at, course_id=course_id, user_id=user_id, clicks=clicks)
                producer.produce(CONTENT.name, event)
            assert producer.flush(30) == 0

            names = [f"clicks_{window}" for window in ("1h", "1d", "28d", "all")]
            until_equal(
                lambda: [(features(LEARNER, user_id, at=now) or {}).get(name) for name in names],
                [3, 3, 7, 15],
            )
            until_equal(
                lambda: [(features(COURSE, course_id, at=now) or {}).get("activity_all")], [4]
            )
            with postgres.connect_analytics() as connection:
                until_equal(
                    lambda: connection.execute(
                        "SELECT sum(clicks)::int FROM learner_tiles WHERE user_id = %s", [user_id]
                    ).fetchone(),
                    (15,),
                )
    finally:
        operation.cancel()
