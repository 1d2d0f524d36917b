"""What is signed: a canonical JSON text that names certificate, course and holder without a name.

The text is stored and verified byte for byte. It is canonical all the same (keys sorted, no spaces,
UTF-8; RFC 8785 for the strings and whole numbers it holds), so that whoever has its facts can write
it again and compare.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

TYPE = "learnstream-certificate"
VERSION = 1

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for a digit."""
_LENGTH = 20
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def new_code() -> str:
    """100 random bits: the link to a certificate cannot be guessed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def read_code(text: str) -> str | None:
    """The code as somebody typed it, with dashes or in small letters; None: it is no code."""
    code = text.upper().translate(_READ_AS)
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else None


def written(code: str) -> str:
    """In groups of five, as it is printed."""
    return "-".join(code[start : start + 5] for start in range(0, _LENGTH, 5))


def holder(code: str, user_id: object) -> str:
    """Ties the document to one account without saying which: SHA-256 of code and user id."""
    return hashlib.sha256(f"{code}/{user_id}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Document:
    """The facts that are signed."""

    id: str
    code: str
    institution_id: str
    course_id: str
    course_title: str
    holder: str
    completed_on: str
    """A date, as 2026-02-17."""
    issued_at: str

    def text(self) -> str:
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        facts |= {"type": TYPE, "version": VERSION}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def facts(text: str) -> dict[str, Any]:
    """What a stored document says."""
    found: dict[str, Any] = json.loads(text)
    return found
