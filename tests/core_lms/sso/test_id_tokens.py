"""What is tried against ID tokens, and that none of it works."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from core_lms.sso import id_token
from core_lms.sso.provider import Directory, Metadata
from core_lms.sso.settings import SsoSettings
from gateway.errors import Unauthenticated

ISSUER, CLIENT, NONCE, NOW = "https://login.example.org", "learnstream", "n" * 43, 1_800_000_000
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
CURVE = ECKey.generate_key("P-256", {"kid": "two"})
ENCRYPTING = RSAKey.generate_key(2048)
ENCRYPTION = RSAKey.import_key(ENCRYPTING.as_dict(private=False) | {"kid": "three", "use": "enc"})

GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "248289761001",
    "nonce": NONCE,
    "iat": NOW,
    "exp": NOW + 300,
}


def token(header: dict[str, Any] | None = None, key: Key = KEY, **claims: Any) -> str:
    full = {"alg": "RS256", "kid": "one"} | (header or {})
    head = {name: value for name, value in full.items() if value is not None}
    body = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return jwt.encode(head, body, key, [head["alg"]])


def claims_of(text: Any) -> dict[str, Any]:
    directory = Directory(SsoSettings(), lambda: 0.0)
    # As read a moment ago, so that an unknown key does not have them read again.
    metadata = Metadata(
        ISSUER, f"{ISSUER}/a", f"{ISSUER}/t", f"{ISSUER}/k", None, False, 0.0,
        keys=[KEY, CURVE, ENCRYPTION], keys_read_at=0.0,
    )  # fmt: skip
    return asyncio.run(
        id_token.verified(
            directory,
            metadata,
            text,
            client_id=CLIENT,
            nonce=NONCE,
            leeway_s=60,
            clock=lambda: float(NOW),
        )
    )


def hmac_with_public_key() -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    header = json.dumps({"alg": "HS256", "kid": "one"}).encode()
    signing = f"{part(header)}.{part(json.dumps(GOOD).encode())}"
    return f"{signing}.{part(hmac.digest(KEY.as_pem(private=False), signing.encode(), 'sha256'))}"


def unsigned() -> str:
    none = jws.JWSRegistry(algorithms=["none"])
    with pytest.warns(SecurityWarning):  # the library's word to whoever does so in earnest
        return jwt.encode({"alg": "none"}, dict(GOOD), OctKey.generate_key(), registry=none)


@pytest.mark.parametrize(
    "text",
    [
        token(),
        token({"kid": None}),
        token({"alg": "PS256"}),
        token({"alg": "ES256", "kid": "two"}, CURVE),
        token(aud=[CLIENT, "another"], azp=CLIENT),
        token(aud=[CLIENT]),
        token(exp=NOW - 59),
        token(iat=NOW + 60),
    ],
)
def test_what_the_provider_signed_for_us_is_believed(text: str) -> None:
    assert claims_of(text)["sub"] == GOOD["sub"]


ATTACKS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "not a token": lambda: "a.b.c",
    "huge": lambda: token(padding="x" * 40_000),
    "unsigned": unsigned,
    "HMAC with the public key": hmac_with_public_key,
    "another key of the same name": lambda: token(key=OTHER),
    "an unknown key": lambda: token({"kid": "four"}, OTHER),
    "a key for encryption": lambda: token({"kid": "three"}, ENCRYPTING),
    "an algorithm for another kind of key": lambda: token({"kid": "two"}, KEY),
    "another issuer": lambda: token(iss="https://login.example.com"),
    "the issuer with a slash": lambda: token(iss=f"{ISSUER}/"),
    "another client": lambda: token(aud="another"),
    "no client": lambda: token(aud=None),
    "several clients and not said for whom": lambda: token(aud=[CLIENT, "another"]),
    "given to another client": lambda: token(azp="another"),
    "expired": lambda: token(exp=NOW - 60),
    "no expiry": lambda: token(exp=None),
    "from the future": lambda: token(iat=NOW + 61),
    "no time": lambda: token(iat=None),
    "another login's nonce": lambda: token(nonce="m" * 43),
    "no nonce": lambda: token(nonce=None),
    "nobody": lambda: token(sub=None),
    "an empty subject": lambda: token(sub=""),
    "a subject that is a number": lambda: token(sub=1),
    "a subject that fills a page": lambda: token(sub="x" * 256),
    "an expiry that is no moment": lambda: token(exp="tomorrow"),
    "not valid yet": lambda: token(nbf=NOW + 61),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_it_is_refused(attack: Callable[[], Any]) -> None:
    with pytest.raises(Unauthenticated, match="ID token is refused"):
        claims_of(attack())


@pytest.mark.parametrize(
    ("said", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (1, False), (None, False)],
)
def test_an_address_is_verified_where_the_provider_says_so(said: Any, verified: bool) -> None:
    claims = id_token.about(GOOD | {"email": "mira@example.org", "email_verified": said})
    assert claims.email_verified is verified
