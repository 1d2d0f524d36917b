"""Files at rest: every range of every length comes back, and nothing that was changed does."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contracts.errors import Misconfigured
from contracts.ids import new_id
from core_lms.content.encryption import CHUNK, OVERHEAD, SUFFIX, Cipher, new_key
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import Storage, _open
from gateway.errors import NotFound
from stack import keyset

KEY = f"school/film/1{SUFFIX}"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A master key of this test alone."""
    monkeypatch.setenv("LMS_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.delenv("LMS_SECRET_KEYSET", raising=False)
    keyset.master.cache_clear()
    yield
    keyset.master.cache_clear()


@pytest.fixture
def school() -> Cipher:
    id_ = new_id()
    return Cipher(id_, new_key(id_))


def some(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def pieces(data: bytes, size: int = 60_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def write(cipher: Cipher, store: Storage, data: bytes, key: str = KEY) -> None:
    await store.write(key, cipher.encrypted(key, pieces(data)))


async def read(
    cipher: Cipher, store: Storage, size: int, start: int, end: int, key: str = KEY
) -> bytes:
    chunks = [chunk async for chunk in cipher.decrypted(store, key, size, start, end)]
    return b"".join(chunks)


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 20 * 1024 * 1024 + 17]
)
def test_every_range_of_a_file_is_what_was_written(
    store: Storage, school: Cipher, size: int
) -> None:
    data, dice = some(size), random.Random(size)
    edges = {0, 1, size - 1, size, CHUNK - 1, CHUNK, CHUNK + 1, size // 2, 2 * CHUNK}
    places = sorted(place for place in edges if 0 <= place <= size)
    ranges = {(dice.choice(places), dice.choice(places)) for _ in range(25)} | {(0, size)}

    async def run() -> None:
        await write(school, store, data)
        for start, end in ranges:
            if start <= end:
                assert await read(school, store, size, start, end) == data[start:end], (start, end)

    asyncio.run(run())


def test_what_lies_there_is_as_long_as_expected_and_says_nothing(
    tmp_path: Path, school: Cipher
) -> None:
    """The arithmetic of ranges rests on the lengths of Tink's format."""
    store, data = _open(ContentSettings(folder=tmp_path)), b"a secret " * 100_000
    asyncio.run(write(school, store, data))
    lies = (tmp_path / KEY).read_bytes()
    assert len(lies) == len(data) + OVERHEAD * -(-len(data) // CHUNK)
    assert b"a secret" not in lies
    asyncio.run(write(school, store, data))
    assert (tmp_path / KEY).read_bytes() != lies, "a salt and a nonce of its own each time"


@pytest.mark.parametrize("what", ["bit", "swapped", "cut", "longer key", "another's", "mixed"])
def test_bytes_that_were_changed_are_refused(tmp_path: Path, school: Cipher, what: str) -> None:
    store, data, size = _open(ContentSettings(folder=tmp_path)), some(3 * CHUNK), 3 * CHUNK
    asyncio.run(write(school, store, data))
    file, key, cipher = tmp_path / KEY, KEY, school
    good, long = file.read_bytes(), CHUNK + OVERHEAD
    if what == "bit":
        file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    elif what == "swapped":
        file.write_bytes(good[:long] + good[2 * long :] + good[long : 2 * long])
    elif what == "cut":
        file.write_bytes(good[: 2 * long])
    elif what == "longer key":  # the same object in another one's place
        key = f"school/film/2{SUFFIX}"
        file.rename(tmp_path / key)
    elif what == "another's":
        other = new_id()
        cipher = Cipher(other, new_key(other))
    else:  # a chunk of an older upload of the same file
        asyncio.run(write(school, store, data, key := f"school/film/2{SUFFIX}"))
        second = (tmp_path / key).read_bytes()
        (tmp_path / key).write_bytes(second[: 2 * long] + good[2 * long :])

    async def run() -> None:
        if what in ("bit", "cut", "mixed"):  # what is whole can be read
            assert await read(cipher, store, size, 0, CHUNK, key) == data[:CHUNK]
        with pytest.raises(Misconfigured, match=r"refused at chunk \d"):
            await read(cipher, store, size, 0, size, key)

    asyncio.run(run())


def test_an_object_that_is_gone_is_not_found(tmp_path: Path, school: Cipher) -> None:
    store = _open(ContentSettings(folder=tmp_path))
    with pytest.raises(NotFound):
        asyncio.run(read(school, store, 10, 0, 10))


def test_a_key_opens_for_its_own_institution_only() -> None:
    mine, theirs = new_id(), new_id()
    with pytest.raises(Misconfigured, match=mine):
        Cipher(mine, new_key(theirs))
    wrapped = new_key(mine)
    keyset.master.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_SECRET_KEYSET", keyset.serialize(keyset._new_master()))
        with pytest.raises(Misconfigured, match="LMS_SECRET_KEYSET"):
            Cipher(mine, wrapped)


_LONG = """
import asyncio, resource, sys
from pathlib import Path
from contracts.ids import new_id
from core_lms.content.encryption import Cipher, new_key
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import _open

MB = 1024 * 1024
id_ = new_id()
cipher = Cipher(id_, new_key(id_))
store = _open(ContentSettings(folder=Path(sys.argv[1])))

async def long():
    for _ in range(200):
        yield bytes(MB)

async def run():
    await store.write("film", cipher.encrypted("film", long()))
    return sum([len(c) async for c in cipher.decrypted(store, "film", 200 * MB, 5, 200 * MB)])

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert asyncio.run(run()) == 200 * MB - 5
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_long_file_is_never_in_memory(tmp_path: Path) -> None:
    """200 MB written and read by a process that may grow by a quarter of that."""
    done = subprocess.run(
        [sys.executable, "-c", _LONG, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 50, f"grew by {done.stdout} MB"
