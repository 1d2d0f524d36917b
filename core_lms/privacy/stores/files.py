"""Files of this machine: artefacts, logs, Flink's checkpoints, Redis' append-only file."""

from __future__ import annotations

import gzip
import mmap
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlparse

import redis

from core_lms.privacy.stores.trace import Trace, Wanted
from stack import redis as stack_redis
from stack.flink import FlinkSettings
from stack.profile import profile

_PACKED = (".npz", ".zip")


def search(wanted: Wanted) -> Iterator[Trace]:
    run = profile().run
    yield from folder("artefacts", profile().artefacts, wanted, "until the next build replaces it")
    yield from folder("logs", run / "logs", wanted, "until the log is shortened, by its size")
    hours = FlinkSettings().state_ttl_h
    checkpoints = Path(urlparse(FlinkSettings().checkpoint_dir).path)
    yield from folder("checkpoints", checkpoints, wanted, f"until {hours} h after it was read")
    try:
        with stack_redis.client() as client:
            at = client.config_get("dir")["dir"]
        yield from folder("files of redis", Path(at), wanted, "until Redis rewrites its log")
    except redis.ResponseError:
        return  # not ours to read: a server of somebody else


def folder(store: str, at: Path, wanted: Wanted, until: str) -> Iterator[Trace]:
    """What of the files in ``at`` was written before the person was erased goes ``until`` then."""
    for path in sorted(at.rglob("*")) if at.is_dir() else ():
        if not path.is_file():
            continue
        count = times_in(path, wanted)
        if count:
            place = str(path.relative_to(at))
            yield Trace(store, place, count, until if _before(path, wanted, store) else None)


def _before(path: Path, wanted: Wanted, store: str) -> bool:
    """Whether nothing else can be expected. A log grows on; an artefact is made at once."""
    if store != "artefacts" or wanted.erased_at is None:
        return True
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) <= wanted.erased_at


def times_in(path: Path, wanted: Wanted) -> int:
    """How often the person stands in a file; what is packed is unpacked."""
    try:
        if path.suffix in _PACKED:
            with zipfile.ZipFile(path) as packed:
                return sum(wanted.times(packed.read(name)) for name in packed.namelist())
        if path.suffix == ".gz":
            return wanted.times(gzip.decompress(path.read_bytes()))
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            return sum(_times(content, needle) for needle in wanted.needles)
    except (FileNotFoundError, ValueError, PermissionError):
        return 0  # gone in the meantime, or empty


def _times(content: mmap.mmap, needle: bytes) -> int:
    count = at = 0
    while (at := content.find(needle, at)) >= 0:
        count += 1
        at += len(needle)
    return count
