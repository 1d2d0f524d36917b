"""The master key and the key of the blind indexes: Tink keysets, kept as secrets or under a KMS.

The master key wraps other keys (a data key per person, the private halves of signing keys) and
nothing else. With ``LMS_PRIVACY_KMS_URI`` a keyset is itself encrypted by a key of that service,
which is asked once per process: the data keys are unwrapped here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import tink
from tink import aead, json_proto_keyset_format, prf, proto_keyset_format, secret_key_access
from tink.proto import tink_pb2

from contracts.errors import Misconfigured
from stack.kms import SETTING, KmsSettings, kms_aead
from stack.secrets import secret, variable_of

MASTER, INDEX = "keyset", "index-keyset"
"""Names of the two secrets."""

_BOUND_TO = b"learnstream keyset"
_TOKEN = secret_key_access.TOKEN

aead.register()
prf.register()


class Undecryptable(Exception):
    """Not encrypted with this master key, or not for these associated data."""


def serialize(handle: tink.KeysetHandle) -> str:
    """One line of JSON, encrypted by the KMS where there is one."""
    uri = KmsSettings().kms_uri
    if uri is None:
        text = json_proto_keyset_format.serialize(handle, _TOKEN)
    else:
        text = _asked(
            lambda: json_proto_keyset_format.serialize_encrypted(handle, kms_aead(uri), _BOUND_TO)
        )
    return json.dumps(json.loads(text), separators=(",", ":"))


def parse(text: str, name: str) -> tink.KeysetHandle:
    """The keyset in ``text``; raises ``Misconfigured`` where it is none, or not for this KMS."""
    uri = KmsSettings().kms_uri
    variable = variable_of(name)
    try:
        encrypted = "encryptedKeyset" in json.loads(text)
    except ValueError:
        raise Misconfigured(f"{variable} is not a Tink keyset in JSON", setting=variable) from None
    if encrypted and uri is None:
        raise Misconfigured(
            f"{variable} is encrypted by a KMS: set {SETTING} to the key's address", setting=SETTING
        )
    if not encrypted and uri is not None:
        raise Misconfigured(
            f"{variable} is not encrypted by the key of {SETTING}: learnstream master-key protect",
            setting=SETTING,
        )
    if uri is not None:
        return _asked(
            lambda: json_proto_keyset_format.parse_encrypted(text, kms_aead(uri), _BOUND_TO)
        )
    return _clear(text, variable)


def parse_clear(text: str, name: str) -> tink.KeysetHandle | None:
    """The keyset in ``text`` where it is not encrypted, whatever the settings say; else None."""
    return None if "encryptedKeyset" in json.loads(text) else _clear(text, variable_of(name))


def _clear(text: str, variable: str) -> tink.KeysetHandle:
    try:
        return json_proto_keyset_format.parse(text, _TOKEN)
    except tink.TinkError as error:
        raise Misconfigured(
            f"{variable} is not a Tink keyset: {error}", setting=variable
        ) from error


def _asked(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Misconfigured:
        raise
    except Exception as error:  # each cloud's client fails in its own way
        raise Misconfigured(
            f"{SETTING}: the KMS refuses or does not answer: {type(error).__name__}: {error}",
            setting=SETTING,
        ) from error


def with_new_primary(handle: tink.KeysetHandle) -> tink.KeysetHandle:
    """``handle`` with one more key, which encrypts from now on; the others still decrypt."""
    keyset = tink_pb2.Keyset.FromString(proto_keyset_format.serialize(handle, _TOKEN))
    fresh = tink_pb2.Keyset.FromString(proto_keyset_format.serialize(_new_master(), _TOKEN))
    keyset.key.extend(fresh.key)
    keyset.primary_key_id = fresh.primary_key_id
    return proto_keyset_format.parse(keyset.SerializeToString(), _TOKEN)


def _new_master() -> tink.KeysetHandle:
    return tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)


def _new_index() -> tink.KeysetHandle:
    return tink.new_keyset_handle(prf.prf_key_templates.HMAC_SHA256)


class Master:
    """Encrypts keys with AES-256-GCM under the newest master key; decrypts with any of them.

    A ciphertext begins with the id of its key, so a process that meets one of a key made after it
    started reads the keyset again.
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._lock = threading.Lock()
        self._read(text())

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return bytes(self._aead.encrypt(plaintext, associated_data))

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Raises ``Undecryptable``."""
        if key_id(ciphertext) not in self.key_ids:
            with self._lock:
                text = self._text()
                if text != self._current:
                    self._read(text)
        try:
            return bytes(self._aead.decrypt(ciphertext, associated_data))
        except tink.TinkError:
            raise Undecryptable(
                f"master key {key_id(ciphertext)} is not ours or the text is not its own"
            ) from None

    def is_current(self, ciphertext: bytes) -> bool:
        """Whether it was encrypted under the newest key."""
        return key_id(ciphertext) == self.primary_id

    def _read(self, text: str) -> None:
        self.handle = parse(text, MASTER)
        info = self.handle.keyset_info()
        self._aead = self.handle.primitive(aead.Aead)
        self.primary_id: int = info.primary_key_id
        self.key_ids = frozenset(key.key_id for key in info.key_info)
        self._current = text


def key_id(ciphertext: bytes) -> int:
    """The id of the master key that a ciphertext names: four bytes after Tink's version byte."""
    return int.from_bytes(ciphertext[1:5], "big")


@cache
def master() -> Master:
    """The one of this process. Raises ``Misconfigured``."""
    return Master(lambda: secret(MASTER, lambda: serialize(_new_master())))


@cache
def _index() -> prf.Prf:
    text = secret(INDEX, lambda: serialize(_new_index()))
    return parse(text, INDEX).primitive(prf.PrfSet).primary()


def blind_index(*parts: str) -> bytes:
    """HMAC-SHA256 of ``parts`` under the index key, 32 bytes: equal texts are found, never read."""
    joined = b"".join(len(raw).to_bytes(4, "big") + raw for raw in map(str.encode, parts))
    return bytes(_index().compute(joined, 32))
