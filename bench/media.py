"""What does encryption of files cost, and how fast is a range at the end of one read?

One file of ``SIZE_MB`` is written and read as the LMS does it, in a folder, in alternating rounds:
plain (as before files were encrypted) and encrypted. No server is needed.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from contracts.ids import new_id
from core_lms.content.encryption import Cipher, new_key
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import Storage, local

MB = 1024 * 1024
SIZE_MB = int(os.environ.get("LMS_BENCH_MEDIA_MB", "512"))
ROUNDS = 3
RANGES = 200


def run() -> dict[str, float | int | str]:
    id_ = new_id()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LMS_SECRETS_DIR"] = f"{folder}/secrets"
        store = local.open_storage(ContentSettings(folder=Path(folder) / "media"))
        return asyncio.run(_measured(store, Cipher(id_, new_key(id_))))


async def _measured(store: Storage, cipher: Cipher) -> dict[str, float | int | str]:
    size = SIZE_MB * MB
    found: dict[str, list[float]] = {}

    async def timed(name: str, work: Callable[[], Awaitable[None]]) -> None:
        began, cpu = time.perf_counter(), time.process_time()
        await work()
        found.setdefault(f"{name}_mb_per_s", []).append(SIZE_MB / (time.perf_counter() - began))
        used = (time.process_time() - cpu) / SIZE_MB * 1024
        found.setdefault(f"{name}_cpu_s_per_gb", []).append(used)

    for _ in range(ROUNDS):
        await timed("write_plain", lambda: store.write("plain", _pieces()))
        await timed("write", lambda: store.write("film", cipher.encrypted("film", _pieces())))
        await timed("read_plain", lambda: _drained(store.read("plain", 0, size)))
        await timed("read", lambda: _drained(cipher.decrypted(store, "film", size, 0, size)))
    waits = []
    for back in range(1, RANGES + 1):
        began = time.perf_counter()
        start = size - 1000 * back
        await anext(cipher.decrypted(store, "film", size, start, start + 100))
        waits.append((time.perf_counter() - began) * 1000)
    figures: dict[str, float | int | str] = {
        name: round(statistics.median(values), 2) for name, values in found.items()
    }
    figures["range_at_the_end_p50_ms"] = round(statistics.median(waits), 2)
    figures["range_at_the_end_p99_ms"] = round(sorted(waits)[int(RANGES * 0.99)], 2)
    return figures


async def _pieces() -> AsyncIterator[bytes]:
    piece = os.urandom(64 * 1024)  # as uvicorn gives them
    for _ in range(SIZE_MB * 16):
        yield piece


async def _drained(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass
