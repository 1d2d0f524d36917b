"""A context of the LMS: table, policies, routes and tests of something that institutions have."""

from __future__ import annotations

import argparse
from pathlib import Path
from string import Template

from contracts.errors import Rejected
from core_lms.migrate import migrations
from gateway.decision import named_actions

EXAMPLE = "bookmarks"
PATTERN = r"[a-z][a-z0-9]*(_[a-z0-9]+)*s"
NEXT = (
    "change columns, routes and policies to what you need (the migration until it is shipped), "
    "emit an event (./learnstream new event), and run ./learnstream test tests/core_lms/NAME"
)

_FILES = Path(__file__).with_name("context_files")
_ELSEWHERE = {
    "migration.sql": "core_lms/{name}/migrations/{number:04}_{name}.sql",
    "access.csv": "tests/core_lms/{name}/access.csv",
    "world.py": "tests/core_lms/{name}/world.py",
    "test.py": "tests/core_lms/{name}/test_{name}.py",
}
"""Where files go that are not in the context's own folder."""


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def files(args: argparse.Namespace) -> dict[str, str]:
    """Raises ``Rejected`` where a table or an action has the name already."""
    names: str = args.name
    singular = names.removesuffix("ies") + "y" if names.endswith("ies") else names[:-1]
    words = names.replace("_", " ")
    word = singular.replace("_", " ")
    article = "an" if word[0] in "aeiou" else "a"
    shipped = migrations()
    if any(f"CREATE TABLE {names} (" in one.sql for one in shipped):
        raise Rejected(f"there is a table {names} already: choose another name")
    if any(action.partition(".")[0] == singular for action in named_actions()):
        raise Rejected(f"there are actions {singular}.… already: choose another name")
    values = {
        "names": names,
        "name": singular,
        "Name": "".join(word.capitalize() for word in singular.split("_")),
        "words": words,
        "Words": words.capitalize(),
        "word": word,
        "a_word": f"{article} {word}",
        "A_word": f"{article} {word}".capitalize(),
        "path": names.replace("_", "-"),
    }
    number = max(one.number for one in shipped) + 1
    found = {}
    for template in sorted(_FILES.glob("*.tmpl")):
        file = template.name.removesuffix(".tmpl")
        path = _ELSEWHERE.get(file, f"core_lms/{names}/{file}").format(name=names, number=number)
        found[path] = Template(template.read_text(encoding="utf-8")).substitute(values)
    return found
