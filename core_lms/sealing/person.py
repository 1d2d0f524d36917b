"""Sealing and opening what is personal of an account: its address, its name, its profile.

Each person has a data key (AES-256-GCM), wrapped by the master key in ``person_keys``. A sealed
value is a version byte, a random nonce of 96 bits and the ciphertext with its tag; it is bound to
its person and column, so that it opens nowhere else. Destroying the key forgets the person.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import Misconfigured
from stack.keyset import Undecryptable, blind_index, master

FIELDS = ("email", "name", "profile")
"""The personal columns of ``users``; each has a sealed twin ``<field>_encrypted``."""

SEALED_COLUMNS = (*(f"{field}_encrypted" for field in FIELDS), "email_index")
NAME = "sealed"


@dataclass(frozen=True, slots=True)
class Sealed:
    """The sealed columns that a query takes along with ``users``, for ``opened``."""

    email_encrypted: bytes | None
    name_encrypted: bytes | None
    profile_encrypted: bytes | None


_VERSION = b"\x01"
_NONCE = 12


def placeholder(user_id: object) -> str:
    """What stands in ``users.email``: unique, and nobody's."""
    return f"{user_id}@sealed.invalid"


def email_index(institution_id: object, address: str) -> bytes:
    """What an address is found by: one per institution, whatever the case it is written in."""
    normalised = unicodedata.normalize("NFC", address).strip().lower()
    return blind_index("users.email", str(institution_id), normalised)


class DataKey:
    """The key of one person; seals any text of theirs, for one named place each."""

    def __init__(self, user_id: object, key: bytes) -> None:
        self._user_id = str(user_id)
        self._key = key
        self._cipher = AESGCM(key)

    @classmethod
    def new(cls, user_id: object) -> DataKey:
        return cls(user_id, AESGCM.generate_key(256))

    @classmethod
    def unwrap(cls, user_id: object, wrapped: bytes) -> DataKey:
        """Raises ``Misconfigured`` where the master key is not the one it was wrapped with."""
        try:
            return cls(user_id, master().decrypt(bytes(wrapped), _key_of(user_id)))
        except Undecryptable as error:
            raise _foreign(user_id) from error

    def wrapped(self) -> bytes:
        return master().encrypt(self._key, _key_of(self._user_id))

    def seal(self, place: str, text: str) -> bytes:
        """``place`` is the column, such as ``users.email``; the same opens it again."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, text.encode(), self._at(place))

    def open(self, place: str, sealed: bytes) -> str:
        sealed = bytes(sealed)
        nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, self._at(place)).decode()
        except InvalidTag:
            raise _foreign(self._user_id) from None

    def _at(self, place: str) -> bytes:
        return f"{place}/{self._user_id}".encode()


def seal_new(
    institution_id: object,
    user_id: object,
    values: Mapping[str, Any],
    wrapped_key: bytes | None = None,
) -> dict[str, Any]:
    """All columns of an account: the placeholders, the sealed values, and ``wrapped_key``.

    Somebody who has a key already keeps it: more than the account may be sealed with it.
    """
    key = DataKey.unwrap(user_id, wrapped_key) if wrapped_key else DataKey.new(user_id)
    return {
        **seal(institution_id, user_id, key, values),
        "email": placeholder(user_id),
        "name": NAME,
        "profile": "{}",
        "wrapped_key": wrapped_key or key.wrapped(),
    }


def seal(
    institution_id: object, user_id: object, key: DataKey, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The sealed columns of those fields that are among ``values``, as an update needs them."""
    columns: dict[str, Any] = {}
    for field in FIELDS:
        if field in values:
            value = values[field]
            text = json.dumps(value) if field == "profile" else str(value)
            columns[f"{field}_encrypted"] = key.seal(f"users.{field}", text)
    if "email" in values:
        columns["email_index"] = email_index(institution_id, str(values["email"]))
    return columns


def opened(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``users`` with ``wrapped_key`` beside it, as the API shows it: in the clear.

    Sealed columns that the query did not select stay out; a row from before sealing is as it is.
    Nothing of an erased person can be opened: the fields are empty.
    """
    clear = {
        name: value
        for name, value in row.items()
        if name not in SEALED_COLUMNS and name != "wrapped_key"
    }
    sealed = [field for field in FIELDS if row.get(f"{field}_encrypted") is not None]
    if row.get("erased_at") is not None:
        return clear | {"email": "", "name": "", "profile": {}}
    if not sealed:
        return clear
    if row.get("wrapped_key") is None:
        raise _foreign(row["id"])
    key = DataKey.unwrap(row["id"], row["wrapped_key"])
    for field in sealed:
        text = key.open(f"users.{field}", row[f"{field}_encrypted"])
        clear[field] = json.loads(text) if field == "profile" else text
    return clear


def _key_of(user_id: object) -> bytes:
    return f"person_keys/{user_id}".encode()


def _foreign(user_id: object) -> Misconfigured:
    return Misconfigured(
        f"the personal data of user {user_id} cannot be opened: the master key (LMS_SECRET_KEYSET, "
        "or secrets/keyset of the profile) is not the one it was sealed with, or the row was "
        "tampered with",
        user_id=str(user_id),
    )
