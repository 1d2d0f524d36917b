"""An OpenID Connect provider over HTTP: its description, its keys, the exchange of a code.

Addresses come from an administrator and from the provider's own description. Only TLS is spoken,
and only to public addresses (unless the settings say otherwise), redirects are not followed, and
answers are bounded.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from contracts.errors import Rejected, Retryable
from core_lms.addresses import NotAllowed, may_be_public, transport
from core_lms.sso.settings import SsoSettings, settings

MAX_ANSWER = 1024 * 1024


@dataclass(slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0) that we use."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    says_iss: bool
    """Whether it puts ``iss`` beside the code (RFC 9207)."""
    read_at: float
    keys: list[Key] = field(default_factory=list)
    keys_read_at: float = float("-inf")


class Directory:
    """The providers' descriptions and keys, as this process last read them."""

    def __init__(
        self, given: SsoSettings | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._clock = given or settings(), clock
        self._known: dict[str, Metadata] = {}

    async def metadata(self, issuer: str) -> Metadata:
        """Raises ``Rejected`` for what is no provider, ``Retryable`` while it is away."""
        known = self._known.get(issuer)
        if known is None or self._clock() - known.read_at >= self._settings.metadata_s:
            fresh = await self._describe(issuer)
            if known is not None and known.jwks_uri == fresh.jwks_uri:
                fresh.keys, fresh.keys_read_at = known.keys, known.keys_read_at
            known = self._known[issuer] = fresh
        return known

    async def keys(self, of: Metadata, kid: str | None) -> list[Key]:
        """Keys a signature may be of; rereads them for a ``kid`` that is new, now and then."""
        found = _named(of.keys, kid)
        if not found and self._clock() - of.keys_read_at >= self._settings.keys_again_s:
            of.keys_read_at = self._clock()
            answer = await self._ask("GET", of.jwks_uri)
            try:
                of.keys = list(KeySet.import_key_set(_object(answer)).keys)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise Rejected("the provider's keys cannot be read") from error
            found = _named(of.keys, kid)
        return found

    async def exchange(
        self,
        of: Metadata,
        *,
        client_id: str,
        client_secret: str | None,
        token_auth: str,
        code: str,
        redirect_uri: str,
        verifier: str,
    ) -> dict[str, Any]:
        """The token endpoint's answer for an authorization code (RFC 6749, 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        auth: tuple[str, str] | None = None
        if token_auth == "client_secret_basic" and client_secret is not None:
            auth = quote_plus(client_id), quote_plus(client_secret)  # RFC 6749, 2.3.1
        else:
            form["client_id"] = client_id
            if client_secret is not None:
                form["client_secret"] = client_secret
        answer = await self._ask("POST", of.token_endpoint, data=form, auth=auth, refusable=True)
        if answer.status_code != 200:
            raise Rejected(f"the provider refused the code ({_error_of(answer)}): start again")
        return _object(answer)

    async def userinfo(self, of: Metadata, access_token: str) -> dict[str, Any]:
        """What the provider says of the person beside the ID token."""
        assert of.userinfo_endpoint is not None
        headers = {"Authorization": f"Bearer {access_token}"}
        return _object(await self._ask("GET", of.userinfo_endpoint, headers=headers))

    async def _describe(self, issuer: str) -> Metadata:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        said = _object(await self._ask("GET", url))
        if said.get("issuer") != issuer:
            raise Rejected(f"issuer: the provider at {issuer} calls itself something else")
        userinfo = said.get("userinfo_endpoint")
        return Metadata(
            issuer=issuer,
            authorization_endpoint=self._endpoint(said, "authorization_endpoint"),
            token_endpoint=self._endpoint(said, "token_endpoint"),
            jwks_uri=self._endpoint(said, "jwks_uri"),
            userinfo_endpoint=userinfo if isinstance(userinfo, str) else None,
            says_iss=said.get("authorization_response_iss_parameter_supported") is True,
            read_at=self._clock(),
        )

    def _endpoint(self, said: dict[str, Any], name: str) -> str:
        address = said.get(name)
        if not isinstance(address, str):
            raise Rejected(f"issuer: the provider's description has no {name}")
        self.check_address(address)
        return address

    def check_address(self, url: str) -> None:
        """Raises ``Rejected`` for an address that is not to be spoken to."""
        schemes = ("https", "http") if self._settings.plain_http else ("https",)
        try:
            parts, address = urlsplit(url), httpx.URL(url)
        except (ValueError, httpx.InvalidURL):
            raise Rejected(f"issuer: {url!r} is no address") from None
        if parts.scheme not in schemes or not address.host or parts.username is not None:
            raise Rejected(f"issuer: {url!r} is no https address (LMS_SSO_PLAIN_HTTP allows http)")
        if not self._settings.allow_private and not may_be_public(address.host):
            raise _inside(address.host)

    async def _ask(
        self, method: str, url: str, *, refusable: bool = False, **more: Any
    ) -> httpx.Response:
        self.check_address(url)
        host = urlsplit(url).hostname
        try:
            async with (
                httpx.AsyncClient(
                    transport=transport(self._settings.allow_private),
                    timeout=self._settings.timeout_s,
                    trust_env=False,
                ) as client,
                client.stream(method, url, **more) as answer,
            ):
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise Rejected(f"the provider at {host} answers with too much")
        except NotAllowed:
            raise _inside(host) from None
        except (httpx.HTTPError, OSError) as error:
            raise Retryable(f"the provider at {host} does not answer") from error
        whole = httpx.Response(answer.status_code, headers=answer.headers, content=bytes(body))
        if answer.status_code >= 500:
            raise Retryable(f"the provider at {host} fails at the moment ({answer.status_code})")
        if answer.status_code != 200 and not refusable:
            raise Rejected(f"the provider at {host} answers {answer.status_code} for {method}")
        return whole


def _inside(host: str | None) -> Rejected:
    return Rejected(f"issuer: {host} is of a private network (LMS_SSO_ALLOW_PRIVATE)")


def _named(keys: list[Key], kid: str | None) -> list[Key]:
    for_signing = [key for key in keys if key.get("use") in (None, "sig")]
    return [key for key in for_signing if kid is None or key.kid == kid]


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        value = json.loads(answer.content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Rejected("the provider's answer is no JSON object")
    return value


def _error_of(answer: httpx.Response) -> str:
    """The error code of RFC 6749, 5.2; its description may say anything and is left out."""
    try:
        code = str(json.loads(answer.content)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return str(answer.status_code)
    return code if code.replace("_", "").isalpha() and len(code) < 40 else str(answer.status_code)
