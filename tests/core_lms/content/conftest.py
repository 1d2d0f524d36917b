"""A real server with S3's interface, and the storage over it and over a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contracts.ids import new_id
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import Storage, _open
from tests.ports import free_port
from tests.waiting import until


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of moto's server, in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(
            lambda: httpx.get(f"{url}/moto-api/", timeout=1),
            "moto's server answers",
            accepts=lambda answer: answer is not None,
            ignoring=httpx.TransportError,
            process=process,
        )
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def bucket(s3: str) -> ContentSettings:
    """Settings of a new bucket."""
    name = f"media-{new_id()}"
    assert httpx.put(f"{s3}/{name}", timeout=60).status_code == 200
    return ContentSettings(
        storage="s3",
        s3_bucket=name,
        s3_endpoint=s3,
        s3_access_key="test",
        s3_secret_key="test-secret",  # type: ignore[arg-type]
    )


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """The same tests pass on each."""
    if request.param == "local":
        return _open(ContentSettings(storage="local", folder=tmp_path / "media"))
    return _open(request.getfixturevalue("bucket"))
