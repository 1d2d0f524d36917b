"""Write the files of something new: an event, job, table, feature, panel or context.

What is written passes `learnstream check` and its tests as it is; then it is yours to change.
"""

# Each kind is a module ``<package>/new/<kind>.py``; nothing lists them. It has a docstring (its
# first line is the help text), ``EXAMPLE``, ``PATTERN`` (names that fit), ``NEXT`` (what its author
# does then), ``configure(parser)`` and ``files(args)``: text by path from the repository's root.

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from types import ModuleType

from contracts.errors import LearnstreamError, Rejected
from stack.profile import REPOSITORY

GROUP = "develop"


def kinds() -> dict[str, ModuleType]:
    """The module of every kind by its name."""
    return {
        path.stem: importlib.import_module(f"{path.parent.parent.name}.new.{path.stem}")
        for path in sorted(REPOSITORY.glob("[a-z]*/new/[a-z]*.py"))
    }


def configure(parser: argparse.ArgumentParser) -> None:
    subparsers = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, module in kinds().items():
        about = (module.__doc__ or "").partition("\n")[0]
        one = subparsers.add_parser(kind, help=about, description=module.__doc__)
        one.add_argument("name", metavar="NAME", help=f"like {module.EXAMPLE}")
        module.configure(one)


def run(args: argparse.Namespace) -> int:
    module = kinds()[args.kind]
    if not re.fullmatch(module.PATTERN, args.name):
        raise Rejected(f"{args.name!r} is no name for a new {args.kind}: one is {module.EXAMPLE}")
    files: dict[str, str] = module.files(args)
    taken = [path for path in files if (REPOSITORY / path).exists()]
    if taken:
        raise Rejected(f"{', '.join(taken)} exists already: choose another name", paths=taken)
    for path, text in files.items():
        target = REPOSITORY / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
    modules = [path for path in files if path.endswith(".py")]
    if modules and importlib.util.find_spec("ruff"):
        # Where lines break, and the order of imports, depend on the name.
        _python("ruff", "check", "--quiet", "--select=I", "--fix", *modules)
        _python("ruff", "format", "--quiet", *modules)
    # In a new process: this one has read the catalogues as they were.
    done = _python("stack.cli", "generate")
    if done.returncode:
        raise LearnstreamError(f"written, but ./learnstream generate fails: {done.stderr}")
    sys.stdout.write(done.stdout.replace("wrote ", "generated "))
    sys.stdout.write(f"next: {module.NEXT}\n")
    return 0


def _python(module: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *args]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
