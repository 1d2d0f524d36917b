"""Files of courses over HTTP: what is let in, who gets it, in which parts, until when."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from contracts.errors import Rejected
from contracts.ids import new_id
from core_lms.commands.media import clean, encrypt
from core_lms.content.links import link
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import Storage, storage
from stack import cli
from stack.keyset import MASTER, Master
from stack.profile import REPOSITORY
from stack.secrets import secret
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

FILM = b"\0\0\0\x18ftypisom" + random.Random(1).randbytes(300_000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test alone, where the application keeps its files."""
    monkeypatch.setenv("LMS_CONTENT_FOLDER", str(tmp_path))
    return tmp_path


def announce(lms: Any, course_id: str, name: str = "film.mp4", type_: str = "video/mp4") -> str:
    body = {"name": name, "media_type": type_}
    return str(lms.made(f"/courses/{course_id}/media", body)["id"])


def put(lms: Any, media: str, content: Any = FILM, **headers: str) -> Any:
    return lms.call("PUT", f"/media/{media}/bytes", content=content, headers=headers)


def stored(lms: Any, course_id: str) -> str:
    media = announce(lms, course_id)
    assert put(lms, media).status_code == 200
    return media


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


async def objects(store: Storage) -> list[tuple[str, bytes]]:
    found = []
    async for key, _ in store.objects():
        read = [chunk async for chunk in store.read(key, 0, 2 * len(FILM))]
        found.append((key, b"".join(read)))
    return found


def unreadable(lies: bytes) -> bool:
    """Whether nothing of the film is in what lies there, at whatever place."""
    return all(FILM[at : at + 16] not in lies for at in range(0, len(FILM) - 16, 16))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def follow(lms: Any, url: str, **headers: str) -> Any:
    """As a player does: the address alone, without credentials."""
    return lms.http.get(url, headers=headers, follow_redirects=False)


def test_a_file_is_announced_sent_and_fetched(lms: Any, folder: Path) -> None:
    course_id = lms.course()
    media = announce(lms, course_id)
    assert lms.get(f"/media/{media}").json()["status"] == "waiting"
    assert lms.get(f"/media/{media}/link").status_code == 409

    done = put(lms, media, **{"Content-Digest": digest(FILM)})

    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["bytes"]) == ("ready", len(FILM))
    assert done.json()["sha256"] == hashlib.sha256(FILM).hexdigest()
    assert lms.get(f"/media/{media}/bytes").content == FILM
    assert lms.types()[-1] == "course.updated"
    again = put(lms, media, **{"Content-Digest": digest(FILM)})
    assert (again.status_code, again.json()) == (200, done.json())
    assert put(lms, media).status_code == 409
    assert len(files(folder)) == 1


def test_a_player_gets_parts_by_an_address_of_its_own(lms: Any, folder: Path) -> None:
    course_id, learner = lms.course(), lms.user()
    media = stored(lms, course_id)
    lms.enrollment(course_id, learner)
    url = lms.person(learner).get(f"/media/{media}/link").json()["url"]
    whole = follow(lms, url)
    assert (whole.status_code, whole.content) == (200, FILM)
    headers = whole.headers
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-type"] == "video/mp4"
    assert headers["content-length"] == str(len(FILM))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].startswith("private")
    part = follow(lms, url, Range="bytes=100000-100009")
    assert (part.status_code, part.content) == (206, FILM[100000:100010])
    assert part.headers["content-range"] == f"bytes 100000-100009/{len(FILM)}"
    assert part.headers["content-length"] == "10"
    assert follow(lms, url, Range="bytes=-5").content == FILM[-5:]
    assert follow(lms, url, Range="bytes=299999-").content == FILM[299999:]
    for beyond in ("bytes=999999-", "bytes=0-1,5-6"):
        refused = follow(lms, url, Range=beyond)
        assert (refused.status_code, refused.headers["content-range"]) == (
            416,
            f"bytes */{len(FILM)}",
        )
        assert refused.headers["content-type"] == "application/problem+json"
    tag = headers["etag"]
    fresh = follow(lms, url, Range="bytes=0-9", **{"If-Range": tag})
    assert fresh.status_code == 206
    old = follow(lms, url, Range="bytes=0-9", **{"If-Range": '"other"'})
    assert (old.status_code, len(old.content)) == (200, len(FILM))
    assert follow(lms, url, **{"If-None-Match": tag}).status_code == 304


def test_an_address_is_good_for_one_person_one_file_and_a_while(lms: Any, folder: Path) -> None:
    course_id, learner = lms.course(), lms.user()
    media, other = stored(lms, course_id), stored(lms, course_id)
    enrollment_id = lms.enrollment(course_id, learner)
    url = lms.person(learner).get(f"/media/{media}/link").json()["url"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["user"] == learner
    path = f"/api/v1/media/{media}/bytes"

    def ask(path: str = path, **changes: Any) -> int:
        return int(lms.http.get(path, params=query | changes).status_code)

    assert ask() == 200
    assert ask(f"/api/v1/media/{other}/bytes") == 403
    assert ask(user=lms.user()) == 403
    assert ask(institution=new_id()) == 403
    assert ask(expires=int(query["expires"]) + 60) == 403
    assert ask(signature=query["signature"][:-2] + "AA") == 403
    assert lms.http.get(path, params={"signature": query["signature"]}).status_code == 400
    assert lms.http.get(path).status_code == 404, "nobody in particular, of no institution"
    past = link(media, lms.institution_id, learner, 60, now=time.time() - 3600)
    expired = follow(lms, past.url)
    assert (expired.status_code, "expired" in expired.json()["detail"]) == (403, True)
    somebody = lms.person(lms.user())
    headers = {"Authorization": f"Bearer {somebody.token}"}
    assert follow(lms, url, **headers).status_code == 403
    # Whoever leaves the course leaves its films.
    lms.post(f"/enrollments/{enrollment_id}/drop")
    assert ask() in (401, 403)


def test_strangers_get_neither_addresses_nor_bytes(lms: Any, folder: Path) -> None:
    course_id = lms.course()
    media = stored(lms, course_id)
    stranger = lms.person(lms.user())
    for path in (f"/media/{media}/link", f"/media/{media}/bytes", f"/courses/{course_id}/media"):
        assert stranger.get(path).status_code == 403
    assert lms.elsewhere().get(f"/media/{media}/bytes").status_code == 404


@pytest.mark.parametrize(
    ("name", "type_", "content", "status", "words"),
    [
        ("a.mp4", "video/mp4", b"<html><script>alert(1)</script>", 422, "not those of video/mp4"),
        ("a.pdf", "application/pdf", FILM, 422, "not those of"),
        ("a.txt", "text/plain", b"\xff\xfe\0a", 422, "not those of"),
        ("a.png", "image/png", b"", 422, "not those of"),
        ("a.vtt", "text/vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi", 200, "text/vtt"),
        ("a.txt", "text/plain", "Zoë ".encode() * 200, 200, "text/plain"),
        ("a.txt", "text/plain", b"", 200, "text/plain"),
    ],
)
def test_bytes_must_be_of_the_type_that_was_announced(
    lms: Any, folder: Path, name: str, type_: str, content: bytes, status: int, words: str
) -> None:
    media = announce(lms, lms.course(), name, type_)
    answer = put(lms, media, content)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert len(files(folder)) == (status == 200)
    assert lms.get(f"/media/{media}").json()["status"] == ("ready" if status == 200 else "waiting")


def test_types_that_a_browser_would_run_are_not_taken(lms: Any) -> None:
    course_id = lms.course()
    for type_ in ("text/html", "image/svg+xml", "application/javascript", "application/x-sh"):
        body = {"name": "a", "media_type": type_}
        answer = lms.post(f"/courses/{course_id}/media", body)
        assert answer.status_code == 415, answer.text
    for name in ("../a", "a/b", "a\nb", ""):
        body = {"name": name, "media_type": "video/mp4"}
        assert lms.post(f"/courses/{course_id}/media", body).status_code == 422


def test_names_travel_in_every_script(lms: Any, folder: Path) -> None:
    media = announce(lms, lms.course(), 'Vorlesung "1" – 你好.pdf', "application/pdf")
    assert put(lms, media, b"%PDF-1.7\n" + b"x" * 600).status_code == 200
    header = lms.get(f"/media/{media}/bytes").headers["content-disposition"]
    assert header.startswith("inline; filename=\"Vorlesung _1_ _ __.pdf\"; filename*=UTF-8''")
    assert header.endswith("%E2%80%93%20%E4%BD%A0%E5%A5%BD.pdf")


def test_too_long_and_spoilt_uploads_leave_nothing(
    lms: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_CONTENT_MAX_BYTES", "100000")
    media = announce(lms, lms.course())
    assert put(lms, media).status_code == 413

    def pieces() -> Iterator[bytes]:
        yield from (FILM[start : start + 50_000] for start in range(0, len(FILM), 50_000))

    unannounced = put(lms, media, pieces())
    assert unannounced.status_code == 413, "its length was not announced"
    assert put(lms, media, FILM[:50_000], **{"Content-Digest": digest(b"")}).status_code == 422
    assert put(lms, media, FILM[:50_000], **{"Content-Digest": "sha-256=:x:"}).status_code == 400
    assert files(folder) == []
    assert put(lms, media, FILM[:50_000]).status_code == 200


def test_a_file_that_an_item_shows_is_not_put_away(lms: Any, folder: Path) -> None:
    course_id = lms.course()
    media = stored(lms, course_id)
    item = lms.item(course_id, "video", metadata={"media_id": media})
    refused = lms.call("DELETE", f"/media/{media}")
    assert (refused.status_code, item in refused.json()["detail"]) == (409, True)
    lms.call("DELETE", f"/courses/{course_id}/items/{item}")
    assert lms.call("DELETE", f"/media/{media}").status_code == 204
    assert lms.get(f"/media/{media}").status_code == 404
    assert files(folder) == []


def test_an_item_shows_only_files_of_its_own_course(lms: Any, folder: Path) -> None:
    course_id, other = lms.course(), lms.course()
    media = stored(lms, other)
    body = {"kind": "video", "title": "Film", "metadata": {"media_id": media}}
    refused = lms.post(f"/courses/{course_id}/items", body)
    assert (refused.status_code, media in refused.json()["detail"]) == (422, True)


def test_what_lies_in_a_bucket_is_encrypted_and_read_through_us(
    lms: Any, bucket: ContentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("storage", "s3_bucket", "s3_endpoint", "s3_access_key"):
        monkeypatch.setenv(f"LMS_CONTENT_{name.upper()}", getattr(bucket, name))
    monkeypatch.setenv("LMS_CONTENT_S3_SECRET_KEY", bucket.s3_secret_key.get_secret_value())
    course_id, learner = lms.course(), lms.user()
    media = stored(lms, course_id)
    lms.enrollment(course_id, learner)
    url = lms.person(learner).get(f"/media/{media}/link").json()["url"]
    whole = follow(lms, url)
    assert (whole.status_code, whole.content) == (200, FILM)
    part = follow(lms, url, Range="bytes=262140-262149")
    assert (part.status_code, part.content) == (206, FILM[262140:262150])
    [(key, lies)] = asyncio.run(objects(storage()))
    assert key.startswith(f"{lms.institution_id}/{media}/")
    assert len(lies) > len(FILM)
    assert unreadable(lies)


def test_what_nobody_came_back_for_is_removed(
    lms: Any, folder: Path, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    course_id = lms.course()
    kept, waiting, lost = stored(lms, course_id), announce(lms, course_id), stored(lms, course_id)
    yesterday = "UPDATE media SET created_at = NOW() - interval '25 hours' WHERE id = %s"
    database.execute(yesterday, [waiting])
    # Its bytes were written, then the process died before the row could say so.
    database.execute("DELETE FROM media WHERE id = %s", [lost])
    asyncio.run(clean())
    assert len(files(folder)) == 2, "young bytes may belong to an upload under way"
    assert lms.get(f"/media/{waiting}").status_code == 404
    for path in files(folder):
        os.utime(path, (time.time() - 25 * 3600,) * 2)
    cleaned = asyncio.run(clean())
    assert cleaned.objects == 1
    assert lms.get(f"/media/{kept}/bytes").content == FILM


def plain(lms: Any, folder: Path, course_id: str) -> str:
    """A file as it was stored before files were encrypted."""
    media = stored(lms, course_id)
    row = lms.database.execute("SELECT storage_key FROM media WHERE id = %s", [media]).fetchone()
    old = row[0].removesuffix(".aead")
    (folder / row[0]).unlink()
    (folder / old).write_bytes(FILM)
    lms.database.execute("UPDATE media SET storage_key = %s WHERE id = %s", [old, media])
    return media


def test_no_byte_of_a_file_can_be_read_where_it_lies(lms: Any, folder: Path) -> None:
    stored(lms, lms.course())
    [file] = files(folder)
    assert unreadable(file.read_bytes())
    assert b"film.mp4" not in file.read_bytes()


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """The error the LMS logged last: its callers only learn that it did."""
    return [each.getMessage() for each in caplog.records if each.levelname == "ERROR"][-1]


def test_a_file_that_was_tampered_with_is_refused_before_a_byte_is_sent(
    lms: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    media = stored(lms, lms.course())
    [file] = files(folder)
    good = file.read_bytes()
    for spoilt in (
        good[:1000] + bytes([good[1000] ^ 1]) + good[1001:],
        good[:1000],
        FILM,
        b"",
    ):
        file.write_bytes(spoilt)
        refused = lms.get(f"/media/{media}/bytes")
        assert refused.status_code == 500
        assert refused.headers["content-type"] == "application/problem+json"
        assert "are refused at chunk 0" in logged(caplog)
        assert media in logged(caplog)
        assert media not in refused.json()["detail"]
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    first = lms.call("GET", f"/media/{media}/bytes", headers={"Range": "bytes=0-99"})
    assert (first.status_code, first.content) == (206, FILM[:100])
    last = lms.call("GET", f"/media/{media}/bytes", headers={"Range": "bytes=-5"})
    assert (last.status_code, "refused at chunk 1" in logged(caplog)) == (500, True)
    file.write_bytes(good)
    assert lms.get(f"/media/{media}/bytes").content == FILM


def test_the_object_of_another_institution_does_not_open(lms: Any, folder: Path) -> None:
    """Whoever may write to the bucket puts one school's film in the place of another's."""
    other = lms.elsewhere()
    theirs = stored(other, other.course())
    [file] = files(folder)
    secret = file.read_bytes()
    mine = stored(lms, lms.course())
    [place] = [path for path in files(folder) if path != file]
    place.write_bytes(secret)
    assert lms.get(f"/media/{mine}/bytes").status_code == 500
    # Nor where the row names the other one's object.
    row = lms.database.execute("SELECT storage_key FROM media WHERE id = %s", [theirs]).fetchone()
    lms.database.execute("UPDATE media SET storage_key = %s WHERE id = %s", [row[0], mine])
    assert lms.get(f"/media/{mine}/bytes").status_code == 500
    assert other.get(f"/media/{theirs}/bytes").content == FILM


def test_files_from_before_are_read_and_then_encrypted(
    lms: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course_id = lms.course()
    media = plain(lms, folder, course_id)
    newer = stored(lms, course_id)
    part = lms.call("GET", f"/media/{media}/bytes", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, FILM[5:10])
    [old] = [path for path in files(folder) if path.suffix != ".aead"]
    old.write_bytes(FILM[:-1] + b"x")
    with pytest.raises(Rejected, match="not those that were uploaded"):
        asyncio.run(encrypt())
    old.write_bytes(FILM)
    assert asyncio.run(encrypt()) == 1
    assert asyncio.run(encrypt()) == 0
    assert len(files(folder)) == 2
    assert all(unreadable(path.read_bytes()) for path in files(folder))
    assert [lms.get(f"/media/{id_}/bytes").content for id_ in (media, newer)] == [FILM, FILM]


def test_a_new_master_key_opens_the_files_of_old(
    lms: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    media = stored(lms, lms.course())
    assert cli.call("master-key", "rotate") == 0
    assert "media_keys.wrapped_keyset: " in capsys.readouterr().out
    wrapped = lms.database.execute(
        "SELECT wrapped_keyset FROM media_keys WHERE institution_id = %s", [lms.institution_id]
    ).fetchone()[0]
    assert Master(lambda: secret(MASTER, str)).is_current(bytes(wrapped))
    assert lms.get(f"/media/{media}/bytes").content == FILM


def test_without_its_key_no_file_of_an_institution_opens(
    lms: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    media = stored(lms, lms.course())
    lms.database.execute("DELETE FROM media_keys WHERE institution_id = %s", [lms.institution_id])
    refused = lms.get(f"/media/{media}/bytes")
    assert (refused.status_code, "media_keys" in logged(caplog)) == (500, True)


@pytest.fixture
def server(lms: Any, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The LMS as a process that can be killed."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LMS_HTTP_LMS_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "core_lms"], env=environment)
    until(
        lambda: httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200,
        "the LMS is ready",
        within_s=180,
        ignoring=httpx.TransportError,
        process=process,
    )
    yield process, port
    process.kill()
    process.wait()


def _send_half(port: int, media: str, token: str) -> socket.socket:
    sender = socket.create_connection(("127.0.0.1", port))
    head = (
        f"PUT /api/v1/media/{media}/bytes HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Length: 60000000\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    sender.sendall(head.encode() + FILM[:24] + bytes(20_000_000))
    return sender


def test_a_file_that_shows_itself_tampered_with_later_is_cut_off(
    lms: Any, folder: Path, server: Any
) -> None:
    _, port = server
    media = stored(lms, lms.course())
    [file] = files(folder)
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    url = f"http://127.0.0.1:{port}/api/v1/media/{media}/bytes"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, headers={"Authorization": f"Bearer {lms.token}"})


def test_who_hangs_up_or_is_killed_in_the_middle_leaves_no_file_and_can_try_again(
    lms: Any, folder: Path, server: Any
) -> None:
    process, port = server
    media = announce(lms, lms.course())
    _send_half(port, media, lms.token).close()
    until(lambda: files(folder) == [], "nothing of it stays")
    assert lms.get(f"/media/{media}").json()["status"] == "waiting"

    sender = _send_half(port, media, lms.token)
    until(
        lambda: sum(path.stat().st_size for path in files(folder)) > 8_000_000,
        "a part is written",
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    sender.close()
    assert lms.get(f"/media/{media}").json()["status"] == "waiting"
    assert put(lms, media).status_code == 200
    assert lms.get(f"/media/{media}/bytes").content == FILM
