"""A process that runs one consumer the way ``python -m core_lms.inbox`` runs those of the product.

The consumer writes down what it is given, without any key that would hide a repetition, and reports
it in an event of its own. What it is given decides whether it fails.
"""

from __future__ import annotations

import os
import sys

from contracts.envelope import Envelope
from contracts.errors import Rejected, Retryable
from contracts.events.content import ContentCompleted, ContentViewed
from core_lms.inbox import Consumer
from core_lms.inbox.process import create_app, serve
from core_lms.inbox.settings import InboxSettings
from core_lms.unit import Unit
from gateway.logs import log_to_stdout

INSTITUTION = os.environ.get("INBOX_TEST_INSTITUTION", "")
"""Events of other tests are in the same topic."""


async def handle(unit: Unit, envelope: Envelope) -> None:
    event = envelope.payload
    assert isinstance(event, ContentViewed)
    if INSTITUTION and envelope.institution_id != INSTITUTION:
        return
    await unit.cursor.execute(
        "INSERT INTO applied (key, n, institution_id) VALUES (%s, %s, current_institution())",
        [event.user_id, event.clicks],
    )
    await unit.cursor.execute("SELECT what FROM verdicts WHERE n = %s", [event.clicks])
    verdict = await unit.cursor.fetchone()
    if verdict is not None and verdict["what"] == "reject":
        raise Rejected("this number cannot be applied")
    if verdict is not None and verdict["what"] == "retry":
        raise Retryable("this number cannot be applied yet")
    if verdict is not None:
        raise ZeroDivisionError("a mistake in a handler")
    done = ContentCompleted(
        user_id=event.user_id, course_id=event.course_id, item_id=event.item_id, kind=event.kind
    )
    unit.emit(done, source="test")


CONSUMER = Consumer("test.counting", (ContentViewed,), handle, confirms=False)


def main() -> int:
    log_to_stdout()
    failed = serve(create_app(InboxSettings(), [CONSUMER], []))
    if failed is not None:
        raise failed
    return 0


if __name__ == "__main__":
    sys.exit(main())
