"""The second sink of some tables: the same rows as messages, for those who read them from Kafka.

One statement makes both: its query is one node of the plan, whose rows go to two places. Tiles go
to ``lms.features``, from where the feature store takes them (``features.tile_push``), sums of
minutes to ``lms.live`` for the live counters (``pipelines.live``). What a row was before does not
matter to its reader, so a message is the whole row, under its key.
"""

from __future__ import annotations

import re

from contracts import flink, live
from contracts.tiles import TABLES
from contracts.topics import FEATURES, LIVE
from pipelines.job import Job, Upsert, kafka_options

_TOPICS = {**dict.fromkeys(TABLES, FEATURES), live.TABLE: LIVE}
"""By table, where its rows go."""
_GATHERED = {
    # Of a minute Flink also sends what it was before, for the sums of hours, and a message of that
    # would be a deletion. Of what is gathered, the last row of a key is sent.
    LIVE.name: {"sink.buffer-flush.max-rows": "20000", "sink.buffer-flush.interval": "100 ms"}
}
_INSERT = re.compile(r"INSERT INTO (\w+)\s")


def name(table: str) -> str:
    return f"{table}_published"


def sinks(job: Job) -> list[str]:
    """``CREATE TABLE`` over the topic for each table of the job whose rows are published."""
    return [_ddl(sink) for sink in job.writes if sink.table in _TOPICS]


def statements(job: Job) -> list[str]:
    """The job's own statements that make such a table, into its topic."""
    found = []
    for statement in job.statements():
        target = _INSERT.match(statement)
        if target and target[1] in _TOPICS:
            query = statement[target.end() :].rstrip().removesuffix(";")
            table = target[1]
            found.append(
                f"INSERT INTO {name(table)} SELECT '{table}', tile.* FROM (\n{query}\n) AS tile"
            )
    return found


def _ddl(sink: Upsert) -> str:
    columns = [f"`{one}` {type_}" for one, type_ in sink.columns.items()]
    # The query's own key. Were it another, Flink would send each row twice: as it was, too.
    key = ", ".join(f"`{one}`" for one in sink.to.key)
    topic = _TOPICS[sink.table].name
    return flink.table(
        name(sink.table),
        ["`tiles` STRING", *columns, f"PRIMARY KEY ({key}) NOT ENFORCED"],
        {
            "connector": "upsert-kafka",
            "topic": topic,
            **kafka_options(),
            "key.format": "json",
            "value.format": "json",
            **_GATHERED.get(topic, {}),
        },
    )
