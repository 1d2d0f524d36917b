"""The one command. ``<package>/commands/<name>.py`` is ``learnstream <name>``; nothing lists it.

A command module has a docstring (its first line is the help text), ``configure(parser)`` and
``run(args) -> int | None``. Only the module that is called is imported, so ``learnstream status``
never pays for Feast or Flink.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import LearnstreamError
from stack.profile import REPOSITORY


def commands() -> dict[str, Path]:
    """Every command by name, with the file that is it."""
    found: dict[str, Path] = {}
    for path in sorted(REPOSITORY.glob("*/commands/*.py")):
        if path.stem != "__init__" and not path.parent.parent.name.startswith("."):
            found[path.stem.removesuffix("_").replace("_", "-")] = path
    return found


def _summary(path: Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return doc.splitlines()[0] if doc else ""


def _usage() -> str:
    found = commands()
    width = max(map(len, found))
    lines = [f"  {name:<{width}}  {_summary(path)}" for name, path in found.items()]
    return "usage: learnstream COMMAND [options]\n\n" + "\n".join(lines) + "\n"


def call(name: str, *argv: str) -> int:
    """Run one command in this process, as ``learnstream NAME ARGV`` would.

    Raises whatever the command raises; returns its exit status.
    """
    path = commands()[name]
    module = importlib.import_module(f"{path.parent.parent.name}.commands.{path.stem}")
    parser = argparse.ArgumentParser(
        prog=f"learnstream {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    return module.run(parser.parse_args(argv)) or 0


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(_usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in commands():
        sys.stderr.write(f"learnstream: there is no command {name!r}\n\n{_usage()}")
        return 2
    try:
        return call(name, *rest)
    except LearnstreamError as error:
        sys.stderr.write(f"learnstream {name}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
