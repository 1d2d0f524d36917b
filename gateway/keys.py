"""The keys that sign access tokens: shared by all processes through Postgres, rotated by age.

A key is *next* (published, does not sign yet), *current* (the newest whose time has come),
*superseded* (signs no more, its tokens still count) or retired. Which it is follows from the row
and the clock, so processes agree without talking to each other. Whoever reads the keys and finds
the current one old makes the next one, under a lock: of several processes one does it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg
from joserfc.jwk import OKPKey

from contracts.errors import Misconfigured, Rejected, Retryable
from contracts.ids import new_id
from gateway.settings import LONGEST_LIFETIME_S, AccessSettings
from gateway.settings import settings as access_settings
from stack.keyset import Undecryptable, master
from stack.postgres import PostgresSettings
from stack.queries import load

ALGORITHM = "Ed25519"
MIN_REFRESH_S = 1.0
"""A token with an unknown key has the keys read at most so often: forgeries cost nothing."""
REREAD_S = 30.0
"""A key that was made or revoked elsewhere is known here after so long."""

ROTATION_LEAD_S = 2 * REREAD_S
"""A key made on demand signs from then on: by then every process has read it."""

State = Literal["next", "current", "superseded", "retired"]
_OVERLAP = timedelta(seconds=LONGEST_LIFETIME_S + 60)
_REMEMBERED = timedelta(days=1)
_sql = load(__file__, "keys.sql")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One row of ``signing_keys``; the private half is opened only where something is signed."""

    kid: str
    public: OKPKey
    sealed: bytes
    signs_from: datetime
    retired_at: datetime | None

    def private(self) -> OKPKey:
        """The private half. Raises ``Misconfigured`` where another master key sealed it."""
        try:
            text = master().decrypt(self.sealed, self.kid.encode())
        except Undecryptable as error:
            raise Misconfigured(
                f"signing key {self.kid} was sealed by another master key: give every process "
                f"the same LMS_SECRET_KEYSET, or type: learnstream keys revoke {self.kid}",
                kid=self.kid,
            ) from error
        return OKPKey.import_key(json.loads(text))

    def accepted(self, at: datetime) -> bool:
        """Whether tokens of this key count at a moment."""
        return self.retired_at is None or self.retired_at > at


def signing(keys: Sequence[SigningKey], at: datetime) -> SigningKey | None:
    """The current key: the newest whose time has come."""
    started = [key for key in keys if key.signs_from <= at and key.accepted(at)]
    return max(started, key=lambda key: (key.signs_from, key.kid), default=None)


class KeyRing:
    """The keys as this process knows them. ``clock`` gives seconds since the epoch; threads may
    share a ring.
    """

    def __init__(
        self,
        url: str | None = None,
        settings: AccessSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._clock = url, clock
        self._settings = settings or access_settings()
        self._keys: dict[str, SigningKey] = {}
        self._signer: tuple[str, OKPKey] | None = None
        self._read_at = self._tried_at = float("-inf")
        self._failure: Retryable | None = None
        self._lock = threading.Lock()

    def public(self, kid: str) -> OKPKey | None:
        """The public half of a key that is accepted; None: forged, retired, or not read yet."""
        key = self._keys.get(kid)
        return key.public if key is not None and key.accepted(self._now()) else None

    @property
    def is_stale(self) -> bool:
        """Whether the keys were last read more than ``REREAD_S`` ago."""
        return self._clock() - self._read_at >= REREAD_S

    def refresh(self, after_s: float = MIN_REFRESH_S) -> None:
        """Read the keys, unless that was tried a moment ago. Blocks: call it in a thread.

        Raises ``Retryable`` where the last try failed.
        """
        with self._lock:
            if self._clock() - self._tried_at >= after_s:
                self._read()
            elif self._failure is not None:
                raise self._failure

    def signer(self) -> tuple[str, OKPKey]:
        """``kid`` and private key that sign now; makes the first one. Blocks now and then."""
        with self._lock:
            current = signing(list(self._keys.values()), self._now())
            if current is None or self.is_stale:
                self._read()
                current = signing(list(self._keys.values()), self._now())
            if current is None:
                raise Retryable("there is no key to sign with; try again")
            if self._signer is None or self._signer[0] != current.kid:
                self._signer = current.kid, current.private()
            return self._signer

    def public_keys(self) -> list[dict[str, Any]]:
        """The JSON Web Key Set's members (RFC 7517): every key that is accepted. Blocks."""
        self.refresh(after_s=REREAD_S)
        return [
            {**key.public.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
            for kid, key in self._keys.items()
            if key.accepted(self._now())
        ]

    def listed(self) -> list[tuple[SigningKey, State]]:
        """Every key that is kept, the oldest first, as it stands now. Blocks."""
        with self._lock:
            self._read()
        keys, now = list(self._keys.values()), self._now()
        current = signing(keys, now)
        states: list[tuple[SigningKey, State]] = []
        for key in keys:
            if not key.accepted(now):
                states.append((key, "retired"))
            elif key is current:
                states.append((key, "current"))
            else:
                states.append((key, "next" if key.signs_from > now else "superseded"))
        return states

    def rotate(self) -> str:
        """Have a new key sign in a minute; the others' tokens still count until they expire."""
        with self._lock:
            kid, starts = new_id(), self._now() + timedelta(seconds=ROTATION_LEAD_S)
            self._read(lambda connection, keys: self._succeed(connection, keys, starts, kid))
            return kid

    def revoke(self, kid: str) -> None:
        """Whatever this key has signed counts no more; where it was the current one another is
        made. Raises ``Rejected`` for an unknown one.
        """

        def act(connection: psycopg.Connection[Any], keys: Sequence[SigningKey]) -> None:
            if kid not in {key.kid for key in keys}:
                raise Rejected(f"there is no signing key {kid}: see `learnstream keys`")
            connection.execute(_sql["retire"], {"kid": kid, "retired_at": self._now()})
            if signing([key for key in keys if key.kid != kid], self._now()) is None:
                self._insert(connection, self._now(), new_id())

        with self._lock:
            self._read(act)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _read(
        self, act: Callable[[psycopg.Connection[Any], Sequence[SigningKey]], None] | None = None
    ) -> None:
        """Read all keys, and rotate where it is time; ``act`` is done under the rotation's lock."""
        self._tried_at = self._clock()
        try:
            with psycopg.connect(self._url or PostgresSettings().app_url) as connection:
                keys = _all(connection)
                if act is not None or self._due(keys) is not None:
                    connection.execute(_sql["lock"])
                    keys = _all(connection)  # another process may have been faster
                    if act is not None:
                        act(connection, keys)
                    elif (starts := self._due(keys)) is not None:
                        self._succeed(connection, keys, starts, new_id())
                    before = self._now() - _REMEMBERED
                    connection.execute(_sql["forget"], {"before": before})
                    keys = _all(connection)
        except psycopg.OperationalError as error:
            self._failure = Retryable(f"the signing keys cannot be read: {type(error).__name__}")
            raise self._failure from error
        self._keys, self._failure = {key.kid: key for key in keys}, None
        self._read_at = self._clock()

    def _due(self, keys: Sequence[SigningKey]) -> datetime | None:
        """When a key that has to be made now shall begin to sign; None: there is nothing to do."""
        now = self._now()
        current = signing(keys, now)
        if current is None:
            return now
        if any(key.signs_from > now and key.accepted(now) for key in keys):
            return None
        ends = current.signs_from + timedelta(days=self._settings.key_rotation_days)
        if current.retired_at is not None:  # its successor was revoked before it signed
            ends = min(ends, current.retired_at - _OVERLAP)
        lead = timedelta(seconds=self._settings.key_lead_s)
        return max(ends, now + lead) if ends - lead <= now else None

    def _succeed(
        self,
        connection: psycopg.Connection[Any],
        keys: Sequence[SigningKey],
        starts: datetime,
        kid: str,
    ) -> None:
        """Insert a key that signs from ``starts``; the others retire once their tokens are over,
        and at once where they were still to sign their first.
        """
        self._insert(connection, starts, kid)
        now = self._now()
        for key in keys:
            over = now if key.signs_from > now else starts + _OVERLAP
            connection.execute(_sql["retire"], {"kid": key.kid, "retired_at": over})

    def _insert(self, connection: psycopg.Connection[Any], starts: datetime, kid: str) -> None:
        key = OKPKey.generate_key("Ed25519")
        private = json.dumps(key.as_dict(private=True)).encode()
        row = {
            "kid": kid,
            "public_jwk": json.dumps(key.as_dict(private=False)),
            "private_sealed": master().encrypt(private, kid.encode()),
            "signs_from": starts,
        }
        connection.execute(_sql["insert"], row)


def _all(connection: psycopg.Connection[Any]) -> list[SigningKey]:
    return [
        SigningKey(kid, OKPKey.import_key(public), bytes(sealed), signs_from, retired_at)
        for kid, public, sealed, signs_from, retired_at in connection.execute(_sql["keys"])
    ]
