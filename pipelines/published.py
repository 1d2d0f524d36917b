"""The second sink of a table of tiles: the same rows as messages on ``lms.features``.

One statement makes both: its query is one node of the plan, whose rows go to two places. The
feature store takes them from there (``features.tile_push``). What an hour tile was before does
not matter to its reader, so a message is the whole row, under its key.
"""

from __future__ import annotations

import re

from contracts import flink
from contracts.tiles import TABLES
from contracts.topics import FEATURES
from pipelines.job import Job, Upsert, kafka_options

_INSERT = re.compile(r"INSERT INTO (\w+)\s")


def name(table: str) -> str:
    return f"{table}_published"


def sinks(job: Job) -> list[str]:
    """``CREATE TABLE`` over the topic for each table of tiles that the job writes."""
    return [_ddl(sink) for sink in job.writes if sink.table in TABLES]


def statements(job: Job) -> list[str]:
    """The job's own statements that make tiles, into the topic."""
    found = []
    for statement in job.statements():
        target = _INSERT.match(statement)
        if target and target[1] in TABLES:
            query = statement[target.end() :].rstrip().removesuffix(";")
            table = target[1]
            found.append(
                f"INSERT INTO {name(table)} SELECT '{table}', tile.* FROM (\n{query}\n) AS tile"
            )
    return found


def _ddl(sink: Upsert) -> str:
    columns = [f"`{one}` {type_}" for one, type_ in sink.columns.items()]
    key = ", ".join(f"`{one}`" for one in ("tiles", *sink.to.key))
    return flink.table(
        name(sink.table),
        ["`tiles` STRING", *columns, f"PRIMARY KEY ({key}) NOT ENFORCED"],
        {
            "connector": "upsert-kafka",
            "topic": FEATURES.name,
            **kafka_options(),
            "key.format": "json",
            "value.format": "json",
            # Of a tile that changes often only the last value is sent.
            "sink.buffer-flush.max-rows": "20000",
            "sink.buffer-flush.interval": "200 ms",
        },
    )
