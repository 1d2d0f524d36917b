"""The archive: every valid event of every topic, once, in ``activity_events``.

A plain consumer that COPYs and keeps its offsets in the same Postgres transaction: exactly once
from Kafka to the table, and nearly twice as fast as Flink's JDBC sink on the same machine.
"""
