"""Keysets: in a file of the profile, in the environment, or under a cloud KMS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from contracts.errors import Misconfigured
from core_lms.privacy import rotation
from stack import keyset, secrets
from stack.keyset import MASTER, Master, Undecryptable, master


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Secrets of this test alone."""
    monkeypatch.setenv("LMS_SECRETS_DIR", str(tmp_path))
    for name in ("LMS_SECRET_KEYSET", "LMS_SECRET_INDEX_KEYSET", "LMS_PRIVACY_KMS_URI"):
        monkeypatch.delenv(name, raising=False)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """As if this process had just started."""
    keyset.master.cache_clear()
    keyset._index.cache_clear()


def test_what_is_encrypted_opens_for_its_own_place_only(own: Path) -> None:
    sealed = master().encrypt(b"a data key", b"person_keys/1")
    assert master().decrypt(sealed, b"person_keys/1") == b"a data key"
    assert b"a data key" not in sealed
    for wrong, place in (
        (sealed, b"person_keys/2"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"person_keys/1"),
        (b"", b"person_keys/1"),
    ):
        with pytest.raises(Undecryptable):
            master().decrypt(wrong, place)
    assert (own / "keyset").stat().st_mode & 0o777 == 0o600


def test_after_a_restart_the_same_keys_are_there() -> None:
    sealed, index = master().encrypt(b"x", b""), keyset.blind_index("users.email", "a", "b")
    forget()
    assert master().decrypt(sealed, b"") == b"x"
    assert keyset.blind_index("users.email", "a", "b") == index
    assert keyset.blind_index("users.email", "ab", "") != keyset.blind_index(
        "users.email", "a", "b"
    )


def test_a_rotation_reaches_processes_that_run_and_old_texts_still_open() -> None:
    running = Master(lambda: secrets.secret(MASTER, lambda: keyset.serialize(keyset._new_master())))
    old = running.encrypt(b"old", b"")
    rotation.rotate()
    forget()
    new = master().encrypt(b"new", b"")
    assert master().is_current(new)
    assert not master().is_current(old)
    assert (running.decrypt(new, b""), running.decrypt(old, b"")) == (b"new", b"old")
    assert master().decrypt(old, b"") == b"old"


def test_a_keyset_of_the_environment_is_not_ours_to_rotate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_SECRET_KEYSET", keyset.serialize(keyset._new_master()))
    with pytest.raises(Misconfigured, match="LMS_SECRET_KEYSET"):
        rotation.rotate()


@pytest.mark.parametrize("text", ["hello", "{}", '{"key": 7}', "[1]"])
def test_what_is_no_keyset_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LMS_SECRET_KEYSET", text)
    with pytest.raises(Misconfigured, match="LMS_SECRET_KEYSET"):
        master()


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("vault-of-ours://key", "there is no client for vault-of-ours://"),
        ("gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "gcp-kms:// is not installed"),
        ("aws-kms://nonsense", "aws-kms:// cannot be used"),
    ],
)
def test_a_kms_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, uri: str, says: str
) -> None:
    monkeypatch.setenv("LMS_PRIVACY_KMS_URI", uri)
    with pytest.raises(Misconfigured, match=says):
        master()


@pytest.fixture
def kms() -> Iterator[ThreadedMotoServer]:
    """A key management service that speaks AWS's protocol, on this machine."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_KMS", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield server


def test_a_kms_protects_the_keysets_and_is_asked_once(
    kms: ThreadedMotoServer, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = master().encrypt(b"before", b"")
    keyset.blind_index("a")
    client = boto3.client("kms", region_name="eu-central-1")
    arn = client.create_key()["KeyMetadata"]["Arn"]
    monkeypatch.setenv("LMS_PRIVACY_KMS_URI", f"aws-kms://{arn}")
    forget()
    with pytest.raises(Misconfigured, match="learnstream master-key protect"):
        master()
    assert {path.name for path in rotation.protect()} == {"keyset", "index-keyset"}
    assert "encryptedKeyset" in json.loads((own / "keyset").read_text())
    assert master().decrypt(sealed, b"") == b"before"
    rotation.rotate()
    forget()
    assert master().decrypt(sealed, b"") == b"before"
    kms.stop()
    assert master().decrypt(master().encrypt(b"x", b""), b"") == b"x"
    forget()
    with pytest.raises(Misconfigured, match="the KMS refuses or does not answer"):
        master()
    monkeypatch.delenv("LMS_PRIVACY_KMS_URI")
    with pytest.raises(Misconfigured, match="LMS_PRIVACY_KMS_URI"):
        master()
