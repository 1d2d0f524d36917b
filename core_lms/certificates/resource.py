"""Certificates, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Certificate(Resource, beside=__file__):
    """The caller may be its holder (``self``), their ``guardian``, an ``instructor`` of it."""

    certificate_id: UUID | str


@dataclass(frozen=True)
class Verification(Resource, beside=__file__):
    """A certificate as whoever has its link sees it."""

    code: str

    def __str__(self) -> str:
        return "certificate with this code"  # the code is the key to it: not for logs
