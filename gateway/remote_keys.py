"""The public keys of the LMS, for processes without its database: fetched over HTTP and kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from contracts.errors import Retryable
from gateway.keys import MIN_REFRESH_S, REREAD_S
from gateway.settings import LONGEST_LIFETIME_S
from stack import tls
from stack.http import HttpSettings

PATH = "/.well-known/jwks.json"
TIMEOUT_S = 2.0
MAX_BYTES = 64 * 1024


class RemoteKeys:
    """The same to a verifier as ``KeyRing``; threads may share one.

    What the LMS publishes no longer is accepted no longer. While it is away, a key is accepted as
    long as a token that it had signed before may live: an hour (``LONGEST_LIFETIME_S``).
    ``fetch`` returns the document's text and raises ``httpx.HTTPError``.
    """

    def __init__(
        self,
        fetch: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch, self._clock = fetch or _fetched, clock
        self._keys: dict[str, OKPKey] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._failure: Retryable | None = None
        self._lock = threading.Lock()

    def public(self, kid: str) -> OKPKey | None:
        """The public half of a key that is accepted; None: forged, retired, or not read yet."""
        if self._clock() - self._read_at > LONGEST_LIFETIME_S:
            return None
        return self._keys.get(kid)

    @property
    def is_stale(self) -> bool:
        """Whether the keys were last read more than ``REREAD_S`` ago."""
        return self._clock() - self._read_at >= REREAD_S

    def refresh(self, after_s: float = MIN_REFRESH_S) -> None:
        """Fetch the keys, unless that was tried a moment ago. Blocks: call it in a thread.

        Raises ``Retryable`` where the last try failed: who cannot be recognised now is not sent
        away as a stranger.
        """
        with self._lock:
            if self._clock() - self._tried_at >= after_s:
                self._read()
            if self._failure is not None:
                raise self._failure

    def _read(self) -> None:
        self._tried_at = self._clock()
        try:
            published = json.loads(self._fetch())["keys"]
            keys = {str(one["kid"]): OKPKey.import_key(one) for one in published}
        except (httpx.HTTPError, JoseError, ValueError, TypeError, KeyError) as error:
            self._failure = Retryable(
                f"the LMS's keys cannot be read at {PATH}: {type(error).__name__}"
            )
            return
        self._keys, self._read_at, self._failure = keys, self._clock(), None


def _fetched() -> str:
    url = f"{HttpSettings().lms_url}{PATH}"
    response = httpx.get(url, timeout=TIMEOUT_S, verify=tls.client_context())
    response.raise_for_status()
    if len(response.content) > MAX_BYTES:
        raise ValueError("that is no key set")
    return response.text
