"""What a new job and a new table have in common: their name, and the three files of each."""

from __future__ import annotations

import re
from string import Template

from contracts.errors import Rejected
from pipelines import job as stream
from pipelines import schema
from pipelines.derive import job as derive


def files(folder: str, name: str, job: Template, sql: Template, check: Template) -> dict[str, str]:
    """Declaration and SQL in ``folder``, and the check of ``verify``: text by path.

    Raises ``Rejected`` where a job or a table has the name already.
    """
    tables = {table.name for table in (*stream.tables(), *derive.tables())}
    for path in schema.MIGRATIONS.glob("*.sql"):
        made = r"CREATE (?:TABLE|(?:OR REPLACE |MATERIALIZED )?VIEW) (\w+)"
        tables |= set(re.findall(made, path.read_text(encoding="utf-8")))
    if name in tables or name in stream.catalogue() or name in derive.catalogue():
        raise Rejected(f"there is a job or a table {name} already: choose another name")
    words = {"name": name, "Words": name.replace("_", " ").capitalize()}
    paths = f"{folder}/{name}.py", f"{folder}/{name}.sql", f"pipelines/verify/row_by_row/{name}.sql"
    templates = zip(paths, (job, sql, check), strict=True)
    return {path: template.substitute(words) for path, template in templates}
