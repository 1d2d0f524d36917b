"""The inbox: background consumers whose effects and position commit in one Postgres transaction.

A consumer is one file, ``core_lms/<context>/consumers/<name>.py`` or
``core_lms/<context>/consumer.py``, that binds ``CONSUMER = Consumer(name, events, handle)``; a loop
is one file, ``core_lms/<context>/loops/<name>.py``, that binds ``LOOP = Loop(name, run)``. Nothing
lists them: ``python -m core_lms.inbox`` finds the files. See ``docs/contexts/inbox.md``.
"""

from core_lms.inbox.declarations import Consumer, Loop, pause

__all__ = ["Consumer", "Loop", "pause"]
