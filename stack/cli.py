"""The one command. ``<package>/commands/<name>.py`` is ``learnstream <name>``; nothing lists it.

A command module has a docstring (its first line is the help text), ``GROUP`` (one of ``GROUPS``),
``configure(parser)`` and ``run(args) -> int | None``. Only the module that is called is imported,
so ``learnstream status`` never pays for Feast or Flink.

Exit status: 0 done; 1 it failed, or found what it looks for; 2 it was called wrongly.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from contracts.errors import LearnstreamError
from stack import failures
from stack.arguments import meant
from stack.profile import REPOSITORY

GROUPS = {
    "start": "Start and stop",
    "data": "Bring and read data",
    "lms": "Run the LMS",
    "pipelines": "Run the pipelines",
    "models": "Features and models",
    "operate": "Set up, keys and plugins",
    "develop": "Develop",
    "internal": "Called by Learnstream itself",
}
"""What people do, in the order in which they meet it; the order of the help."""


@dataclass(frozen=True)
class Command:
    """One command, read from its file without importing it."""

    path: Path
    about: str
    group: str


def commands() -> dict[str, Path]:
    """Every command by name, with the file that is it."""
    found: dict[str, Path] = {}
    for path in sorted(REPOSITORY.glob("*/commands/*.py")):
        if path.stem != "__init__" and not path.parent.parent.name.startswith("."):
            found[path.stem.removesuffix("_").replace("_", "-")] = path
    return found


def described(path: Path) -> Command:
    """What a command's file says of it. A file without ``GROUP`` is among the last."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    group = "internal"
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            named = isinstance(node.targets[0], ast.Name) and node.targets[0].id == "GROUP"
            group = str(node.value.value) if named else group
    return Command(path, (ast.get_docstring(tree) or "").partition("\n")[0], group)


def version() -> str:
    """The version of this installation, which pyproject.toml says."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def usage() -> str:
    """The help: every command in one line, under what people do with it."""
    found = {name: described(path) for name, path in commands().items()}
    width = max(map(len, found))
    lines = ["usage: learnstream COMMAND [options]", "       learnstream COMMAND --help", ""]
    for group, title in GROUPS.items():
        members = sorted(name for name, command in found.items() if command.group == group)
        if members:
            lines += [title, *(f"  {name:<{width}}  {found[name].about}" for name in members), ""]
    return "\n".join(lines)


class Parser(argparse.ArgumentParser):
    """Suggests what was meant where a word is none of the choices."""

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if wrong:
            message += meant(wrong[1], re.findall(r"'(.*?)'", wrong[2]))
        unknown = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        if unknown:
            message += meant(unknown[1], list(self._option_string_actions))
        super().error(message)


def parser_of(name: str) -> tuple[Parser, object]:
    """The parser of one command, and its module."""
    path = commands()[name]
    module = importlib.import_module(f"{path.parent.parent.name}.commands.{path.stem}")
    parser = Parser(
        prog=f"learnstream {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    return parser, module


def call(name: str, *argv: str) -> int:
    """Run one command in this process, as ``learnstream NAME ARGV`` would.

    Raises whatever the command raises; returns its exit status.
    """
    parser, module = parser_of(name)
    return module.run(parser.parse_args(argv)) or 0  # type: ignore[attr-defined]


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of ``learnstream ARGV``. Wrong input ends in one sentence, a bug in a
    traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        sys.stdout.write(f"learnstream {version()}\n")
        return 0
    name, *rest = arguments
    if name not in commands():
        hint = meant(name, commands())
        sys.stderr.write(
            f"learnstream: there is no command {name!r}{hint}\n"
            "learnstream --help lists the commands\n"
        )
        return 2
    try:
        return call(name, *rest)
    except LearnstreamError as error:
        # libpq breaks its sentences in two.
        sys.stderr.write(f"learnstream {name}: {error}\n".replace("\n\t", " "))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130
    except BrokenPipeError:  # `learnstream kafka TOPIC | head`: who read has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        sentence = failures.sentence(error)
        if sentence is None:
            raise
        sys.stderr.write(f"learnstream {name}: {sentence}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
