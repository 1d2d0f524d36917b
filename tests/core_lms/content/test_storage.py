"""Objects are written whole or not at all and read in parts, in a folder as in a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import Misconfigured, Retryable
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import Storage, _open
from gateway.errors import NotFound
from tests.waiting import until

MB = 1024 * 1024


def some(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def chunks(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def write(store: Storage, key: str, data: bytes) -> None:
    await store.write(key, chunks(data))


async def read(store: Storage, key: str, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, start, end)])


async def keys(store: Storage) -> set[str]:
    return {key async for key, _ in store.objects()}


@pytest.mark.parametrize("size", [0, 1, 70_000, 20 * MB + 17])
def test_what_is_written_is_read_whole_and_in_parts(store: Storage, size: int) -> None:
    data = some(size)

    async def run() -> None:
        await write(store, "a/b/c", data)
        assert await read(store, "a/b/c", 0, size) == data
        for start, end in ((0, 1), (size // 2, size // 2 + 1000), (size - 1, size)):
            if 0 <= start < end <= size:
                assert await read(store, "a/b/c", start, end) == data[start:end]

    asyncio.run(run())


def test_behind_the_end_of_an_object_is_nothing(store: Storage) -> None:
    async def run() -> None:
        await write(store, "a", b"abc")
        assert await read(store, "a", 1, 100) == b"bc"
        assert await read(store, "a", 3, 100) == b""
        assert await read(store, "a", 50, 100) == b""
        with pytest.raises(NotFound):
            await read(store, "b", 50, 100)

    asyncio.run(run())


def test_a_writer_that_fails_in_the_middle_leaves_nothing(store: Storage) -> None:
    class HungUp(Exception):
        pass

    async def half() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield some(MB)
        raise HungUp

    async def run() -> None:
        with pytest.raises(HungUp):
            await store.write("a", half())
        assert await keys(store) == set()
        with pytest.raises(NotFound):
            await read(store, "a", 0, 1)

    asyncio.run(run())


def test_deleting_is_done_once_and_repeating_it_harmless(store: Storage) -> None:
    async def run() -> None:
        await write(store, "a", b"1")
        await write(store, "b", b"2")
        await store.delete("a")
        await store.delete("a")
        assert await keys(store) == {"b"}

    asyncio.run(run())


def test_objects_are_listed_with_the_moment_they_were_written(store: Storage) -> None:
    async def run() -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        for key in ("x/1", "x/2", "y"):
            await write(store, key, b"1")
        found = {key: at async for key, at in store.objects()}
        assert set(found) == {"x/1", "x/2", "y"}
        assert all(
            before <= at <= datetime.now(UTC) + timedelta(seconds=2) for at in found.values()
        )

    asyncio.run(run())


def test_a_bucket_that_is_away_is_something_to_wait_for() -> None:
    settings = ContentSettings(
        storage="s3",
        s3_bucket="b",
        s3_endpoint="http://127.0.0.1:9",
        s3_access_key="a",
        s3_secret_key="b",  # type: ignore[arg-type]
    )
    with pytest.raises(Retryable, match="storage of files"):
        asyncio.run(_open(settings).delete("a"))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (ContentSettings(storage="tape"), "LMS_CONTENT_STORAGE"),
        (ContentSettings(storage="_objects"), "LMS_CONTENT_STORAGE"),
        (ContentSettings(storage="s3"), "LMS_CONTENT_S3_BUCKET"),
        (ContentSettings(folder=Path("/proc/nothing")), "LMS_CONTENT_FOLDER"),
    ],
)
def test_a_wrong_setting_is_named(settings: ContentSettings, name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        _open(settings)


_WRITER = """
import asyncio, sys
from pathlib import Path
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import _open

async def endless():
    while True:
        yield b"x" * 1024 * 1024
        await asyncio.sleep(0.001)

store = _open(ContentSettings(folder=Path(sys.argv[1])))
asyncio.run(store.write("film", endless()))
"""


def test_what_a_killed_writer_leaves_is_no_object_and_is_swept_up(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)])
    until(
        lambda: any(p.stat().st_size > 16 * MB for p in tmp_path.iterdir()),
        "16 MB are written",
        process=writer,
    )
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    store = _open(ContentSettings(folder=tmp_path))

    async def run() -> None:
        assert await keys(store) == set()
        assert await store.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
        assert await store.sweep(datetime.now(UTC) + timedelta(seconds=1)) == 1

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_writing_a_long_file_does_not_hold_it_in_memory(tmp_path: Path) -> None:
    """200 MB through a process that may grow by a quarter of that."""
    program = """
import asyncio, resource, sys
from pathlib import Path
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import _open

async def long():
    for _ in range(200):
        yield bytes(1024 * 1024)

store = _open(ContentSettings(folder=Path(sys.argv[1])))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asyncio.run(store.write("film", long()))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert (tmp_path / "film").stat().st_size == 200 * MB
    assert int(done.stdout) < 50, f"grew by {done.stdout} MB"


def test_the_same_bytes_have_the_same_hash_wherever_they_lie(store: Storage) -> None:
    data = some(3 * MB)

    async def run() -> str:
        await write(store, "k", data)
        return hashlib.sha256(await read(store, "k", 0, len(data))).hexdigest()

    assert asyncio.run(run()) == hashlib.sha256(data).hexdigest()
