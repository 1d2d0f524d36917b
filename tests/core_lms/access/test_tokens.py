"""What is tried against access tokens, and that none of it works."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from contracts.ids import new_id
from gateway.errors import Unauthenticated
from gateway.keys import KeyRing
from gateway.settings import LONGEST_LIFETIME_S
from gateway.tokens import LIFETIME_S, MAX_LENGTH, Verifier, issue
from stack.postgres import PostgresSettings

pytestmark = pytest.mark.integration


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Forge:
    """Everything an attacker knows (a valid token, the public keys) and what we sign with."""

    def __init__(self, ring: KeyRing, now: float) -> None:
        self.ring, self.now = ring, now
        self.kid, self.key = ring.signer()
        self.claims: dict[str, Any] = {
            "iss": "learnstream",
            "aud": "learnstream",
            "iat": int(now),
            "exp": int(now) + 600,
            "institution_id": new_id(),
            "user_id": new_id(),
            "roles": ["admin@global"],
            "permissions": [],
        }

    def signed(
        self, header: dict[str, Any] | None = None, key: OKPKey | None = None, **claims: Any
    ) -> str:
        """A token whose signature is right, ours unless ``key`` says otherwise."""
        full = {"alg": "Ed25519", "kid": self.kid} | (header or {})
        head = {name: value for name, value in full.items() if value is not None}
        body = {name: v for name, v in (self.claims | claims).items() if v is not None}
        signing = f"{part(head)}.{part(body)}"
        private = (key or self.key).private_key
        assert private is not None
        return f"{signing}.{part(private.sign(signing.encode()))}"

    def with_public_key_as_secret(self) -> str:
        """The classic: HMAC, with the published key as the shared secret."""
        header = {"alg": "HS256", "kid": self.kid, "typ": "JWT"}
        signing = f"{part(header)}.{part(self.claims)}"
        public = next(key for key in self.ring.public_keys() if key["kid"] == self.kid)
        raw = base64.urlsafe_b64decode(public["x"] + "=")
        return f"{signing}.{part(hmac.digest(raw, signing.encode(), sha256))}"

    def unsigned(self, alg: str) -> str:
        return f"{part({'alg': alg, 'kid': self.kid})}.{part(self.claims)}."

    def altered(self) -> str:
        header, _, signature = self.signed().split(".")
        return f"{header}.{part(self.claims | {'roles': ['admin@institution']})}.{signature}"


FOREIGN = OKPKey.generate_key("Ed25519")

ATTACKS: dict[str, Callable[[Forge], str]] = {
    "algorithm none": lambda f: f.unsigned("none"),
    "algorithm NoNe": lambda f: f.unsigned("NoNe"),
    "our algorithm without a signature": lambda f: f.unsigned("Ed25519"),
    "HMAC with the public key": lambda f: f.with_public_key_as_secret(),
    "the algorithm's older name": lambda f: f.signed({"alg": "EdDSA"}),
    "another key under our key's name": lambda f: f.signed(key=FOREIGN),
    "another key under its own name": lambda f: f.signed({"kid": new_id()}, FOREIGN),
    "no key named": lambda f: f.signed({"kid": None}),
    "a key's name that is none": lambda f: f.signed({"kid": {"$ne": ""}}),
    "a path as a key's name": lambda f: f.signed({"kid": "../../../dev/null"}),
    "its own key in the header": lambda f: f.signed(
        {"jwk": FOREIGN.as_dict(private=False)}, FOREIGN
    ),
    "an address of keys in the header": lambda f: f.signed({"jku": "http://127.0.0.1/jwks.json"}),
    "a header that must be understood": lambda f: f.signed({"crit": ["x"], "x": 1}),
    "claims changed": lambda f: f.altered(),
    "expired": lambda f: f.signed(iat=int(f.now) - 700, exp=int(f.now) - 100),
    "no expiry": lambda f: f.signed(exp=None),
    "an expiry that is text": lambda f: f.signed(exp="never"),
    "issued in the future": lambda f: f.signed(iat=int(f.now) + 600, exp=int(f.now) + 900),
    "not valid yet": lambda f: f.signed(nbf=int(f.now) + 600),
    "another issuer": lambda f: f.signed(iss="https://accounts.example.org"),
    "no issuer": lambda f: f.signed(iss=None),
    "another audience": lambda f: f.signed(aud="billing"),
    "no audience": lambda f: f.signed(aud=None),
    "no institution": lambda f: f.signed(institution_id=None),
    "an institution that is no id": lambda f: f.signed(institution_id="' OR 1=1 --"),
    "a person that is no id": lambda f: f.signed(user_id="root"),
    "huge": lambda f: f.signed(padding="x" * MAX_LENGTH),
    "empty": lambda f: "",
    "dots": lambda f: "..",
    "five parts, as if encrypted": lambda f: f.signed() + ".a.b",
    "not base64": lambda f: "§§§.äöü.***",
    "deep": lambda f: f"{part(b'[' * 3000)}.{part(f.claims)}.{part(b'x' * 64)}",
    "a list as header": lambda f: f"{part([1])}.{part(f.claims)}.{part(b'x' * 64)}",
    "a list as claims": lambda f: jwt_of(f, [1]),
}


def jwt_of(forge: Forge, payload: Any) -> str:
    signing = f"{part({'alg': 'Ed25519', 'kid': forge.kid})}.{part(payload)}"
    assert forge.key.private_key is not None
    return f"{signing}.{part(forge.key.private_key.sign(signing.encode()))}"


@pytest.fixture
def forge(keys_database: PostgresSettings, clock: Any) -> Forge:
    return Forge(KeyRing(keys_database.app_url, clock=clock), clock())


def test_the_forge_makes_valid_tokens_where_it_changes_nothing(forge: Forge, clock: Any) -> None:
    caller = Verifier(forge.ring, clock).verify(forge.signed({"typ": "JWT"}))
    assert (caller.kind, caller.user_id) == ("person", forge.claims["user_id"])


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_it_is_refused(attack: Callable[[Forge], str], forge: Forge, clock: Any, lms: Any) -> None:
    verifier = Verifier(forge.ring, clock)
    with pytest.raises(Unauthenticated):
        verifier.verify(attack(forge))


def test_the_gateway_answers_a_refused_token_with_401_and_how_to_ask(lms: Any) -> None:
    for token in ("x.y.z", "a" * 9000, "lsr1_AAAA"):
        answer = lms.http.get("/api/v1/courses", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert token not in answer.text


def test_a_token_says_who_and_what_and_ends_by_itself(
    keys_database: PostgresSettings, clock: Any
) -> None:
    ring = KeyRing(keys_database.app_url, clock=clock)
    institution_id, user_id, session_id = new_id(), new_id(), new_id()
    token = issue(
        ring,
        institution_id,
        user_id=user_id,
        roles=["student@institution"],
        permissions=["course.list"],
        session_id=session_id,
        authenticated_at=clock(),
        now=clock(),
    )
    claims = jwt.decode(token, ring.signer()[1], ["Ed25519"]).claims
    assert {"user_id", "roles", "permissions", "exp", "institution_id", "sid"} <= claims.keys()
    caller = Verifier(ring, clock).verify(token)
    assert caller.roles == {"student@institution"}
    assert caller.session_id == session_id
    assert caller.fresh(clock())
    clock.advance(seconds=LIFETIME_S + 10)
    assert not caller.fresh(clock())
    with pytest.raises(Unauthenticated):
        Verifier(ring, clock).verify(token)


def test_what_was_verified_once_is_not_remembered_past_its_end(forge: Forge, clock: Any) -> None:
    verifier = Verifier(forge.ring, clock)
    token = forge.signed()
    assert verifier.verify(token) is verifier.verify(token)
    clock.advance(seconds=700)
    assert verifier.known(token) is None


def test_no_token_is_made_to_live_longer_than_marks_of_revocation(
    keys_database: PostgresSettings, clock: Any
) -> None:
    ring = KeyRing(keys_database.app_url, clock=clock)
    with pytest.raises(ValueError, match="lives for up to"):
        issue(ring, new_id(), user_id=new_id(), lifetime_s=LONGEST_LIFETIME_S + 1)
