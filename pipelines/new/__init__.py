"""Names of new jobs and tables: none that the analytical database or a catalogue has."""

from __future__ import annotations

import re

from contracts.errors import Rejected
from pipelines import job as stream
from pipelines import schema
from pipelines.derive import job as derive


def values(name: str) -> dict[str, str]:
    """What templates say; raises ``Rejected`` where a job or a table has the name already."""
    tables = {table.name for table in (*stream.tables(), *derive.tables())}
    for path in schema.MIGRATIONS.glob("*.sql"):
        made = r"CREATE (?:TABLE|(?:OR REPLACE |MATERIALIZED )?VIEW) (\w+)"
        tables |= set(re.findall(made, path.read_text(encoding="utf-8")))
    if name in tables or name in stream.catalogue() or name in derive.catalogue():
        raise Rejected(f"there is a job or a table {name} already: choose another name")
    return {"name": name, "Words": name.replace("_", " ").capitalize()}
