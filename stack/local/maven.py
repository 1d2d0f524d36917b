"""Copy one set of jars of ``pom.xml`` (a Maven profile) into ``parts/jars/NAME``."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from contracts.errors import Misconfigured, Retryable
from stack.local.installed import Progress, installation, is_installed
from stack.profile import REPOSITORY, profile

POM = REPOSITORY / "pom.xml"


def jars(name: str, progress: Progress) -> Path:
    """The folder with the jars of profile NAME, fetched when it is missing or the pom changed."""
    with installation(f"jars/{name}", [POM.read_text(encoding="utf-8")]) as site:
        if site.complete:
            return site.folder
        if shutil.which("mvn") is None:
            raise Misconfigured("Maven is missing: type `apt-get install maven` as root")
        cache = profile().root / "cache" / "maven"
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            # Maven 3 does not lock its repository: two at once corrupt it.
            progress("waiting for another Maven")
            fcntl.flock(lock, fcntl.LOCK_EX)
            progress("downloading jars")
            _copy(name, cache, site.fresh)
    return site.folder


def _copy(name: str, cache: Path, into: Path) -> None:
    command = ["mvn", "--quiet", "--batch-mode", "--strict-checksums", "--no-transfer-progress"]
    command += ["--file", str(POM), f"-P{name}", f"-Dmaven.repo.local={cache}"]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ
    )
    if done.returncode or not any(into.glob("*.jar")):
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        detail = errors[0] if errors else (done.stderr or done.stdout)[-300:]
        raise Retryable(f"Maven cannot fetch the {name} jars: check the network ({detail})")


def are_there(name: str) -> bool:
    return is_installed(f"jars/{name}", [POM.read_text(encoding="utf-8")])


def version(name: str, artifact: str) -> str:
    """The version in the name of one jar, or ``-`` when it is not installed."""
    for jar in (profile().programs / "jars" / name).glob(f"{artifact}-[0-9]*.jar"):
        return jar.stem.removeprefix(f"{artifact}-")
    return "-"
