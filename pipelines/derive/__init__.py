"""Tables derived from the archive, each step in one Postgres transaction: exact by construction.

The archive's transaction records its batch. A step takes some batches, reads what the archive holds
of those learners' days with and without the new events, and adds the difference to every table. A
duplicate never reaches the archive, a late event is an event like any other, and a killed process
has either committed its step or not begun it.
"""
