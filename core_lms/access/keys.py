"""The keys that sign access tokens: made on first use, shared by all processes through Postgres."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from joserfc.jwk import OKPKey

from contracts.errors import Retryable
from contracts.ids import new_id
from core_lms.privacy.keyset import master
from core_lms.queries import load
from stack.postgres import PostgresSettings

LOOK_AGAIN_S = 5.0
"""A token with an unknown key makes us look at most this often: forgeries come cheap."""

_sql = load(__file__)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One row of ``signing_keys``; the private half is opened only where something is signed."""

    kid: str
    public: OKPKey
    sealed: bytes
    signs_from: datetime
    retired_at: datetime | None

    def private(self) -> OKPKey:
        text = master().decrypt(self.sealed, self.kid.encode())
        return OKPKey.import_key(json.loads(text))


class KeyRing:
    """The keys that are valid, reread when an unknown one is named. Safe to share by threads."""

    def __init__(self, url: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._keys: dict[str, SigningKey] = {}
        self._signer: tuple[str, OKPKey] | None = None
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    def public(self, kid: str) -> OKPKey | None:
        """The public half of a key that is accepted; None: forged, retired, or not read yet."""
        key = self._keys.get(kid)
        if key is None or (key.retired_at is not None and key.retired_at <= datetime.now(UTC)):
            return None
        return key.public

    def look_again(self) -> None:
        """Read the keys, unless that was done a moment ago. Blocks: call it in a thread."""
        with self._lock:
            if self._clock() - self._looked_at >= LOOK_AGAIN_S:
                self._read()

    def signer(self) -> tuple[str, OKPKey]:
        """``kid`` and private key that sign now; makes the first one. Blocks on the first call."""
        with self._lock:
            if self._signer is None:
                self._read()
                now = datetime.now(UTC)
                signing = [
                    key
                    for key in self._keys.values()
                    if key.signs_from <= now and key.retired_at is None
                ]
                newest = max(signing, key=lambda key: key.signs_from)
                self._signer = newest.kid, newest.private()
            return self._signer

    def public_keys(self) -> list[dict[str, Any]]:
        """The JSON Web Key Set's members (RFC 7517): every key that is accepted."""
        self.look_again()
        return [
            {**key.public.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": "Ed25519"}
            for key in self._keys.values()
            if self.public(key.kid) is not None
        ]

    def _read(self) -> None:
        try:
            with psycopg.connect(self._url or PostgresSettings().app_url) as connection:
                rows = connection.execute(_sql["keys"]).fetchall()
                if not rows:
                    connection.execute(_sql["lock"])
                    rows = connection.execute(_sql["keys"]).fetchall()
                if not rows:
                    connection.execute(_sql["insert"], _fresh())
                    rows = connection.execute(_sql["keys"]).fetchall()
        except psycopg.OperationalError as error:
            raise Retryable(f"the signing keys cannot be read: {type(error).__name__}") from error
        self._keys = {
            kid: SigningKey(kid, OKPKey.import_key(public), bytes(sealed), signs_from, retired_at)
            for kid, public, sealed, signs_from, retired_at in rows
        }
        self._looked_at = self._clock()


def _fresh() -> dict[str, Any]:
    key, kid = OKPKey.generate_key("Ed25519"), new_id()
    private = json.dumps(key.as_dict(private=True)).encode()
    return {
        "kid": kid,
        "public_jwk": json.dumps(key.as_dict(private=False)),
        "private_sealed": master().encrypt(private, kid.encode()),
    }
