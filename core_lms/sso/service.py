"""Single sign-on: there and back, and whose account it is that somebody comes back to."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from psycopg.errors import UniqueViolation

from contracts.errors import Rejected
from contracts.ids import new_id
from core_lms.idempotency import claim
from core_lms.session_store.store import sessions
from core_lms.sessions import repository as credentials
from core_lms.sessions import service as logins
from core_lms.sso import attempts, id_token, repository
from core_lms.sso.id_token import Claims
from core_lms.sso.provider import Directory
from core_lms.sso.repository import SQL, IdentityProvider
from core_lms.sso.schemas import Identity, NewProvider, ProviderChange, SignInReturn
from core_lms.sso.settings import settings
from core_lms.unit import Unit
from core_lms.units import Units
from core_lms.users import repository as users
from core_lms.users import service as accounts
from core_lms.users.resource import Person
from core_lms.users.schemas import Registration
from gateway.decision import Right
from gateway.errors import Conflict, Forbidden, NotFound, Unauthenticated
from gateway.etags import Check
from gateway.keys import KeyRing
from gateway.resource import Public
from stack.redis import async_client

ADOPT = Right("identity.adopt")
"""To come into an account that is there already, because the provider says it is one's address."""


@cache
def directory() -> Directory:
    """The providers as this process knows them."""
    return Directory()


async def create(unit: Unit, wanted: NewProvider) -> IdentityProvider:
    """The provider; raises ``Conflict`` where the name is taken."""
    directory().check_address(wanted.issuer)
    id_ = await claim(unit, "identity-provider", wanted)
    if unit.repeated:
        return await provider(unit, wanted.name)
    try:
        return await repository.insert(unit, id_, wanted.model_dump())
    except UniqueViolation:
        raise Conflict(f"there is a provider {wanted.name}") from None


async def provider(unit: Unit, name: str) -> IdentityProvider:
    """Raises ``NotFound``."""
    return await unit.need(IdentityProvider, SQL["of_name"], f"provider {name}", name=name)


async def providers(unit: Unit) -> list[IdentityProvider]:
    """All of the institution, by name."""
    return await unit.all(IdentityProvider, SQL["all"])


async def change(unit: Unit, name: str, wish: ProviderChange, check: Check) -> IdentityProvider:
    what = f"provider {name}"
    known = await unit.need(IdentityProvider, SQL["of_name_locked"], what, name=name)
    check(known)
    if wish.client_secret is not None and known.token_auth == "none":
        raise Rejected("client_secret: the provider knows us as a public client, without one")
    return await repository.update(unit, known.id, wish.model_dump())


async def delete(unit: Unit, name: str) -> None:
    """Who came through it has to have a password, or come through another one."""
    if not await unit.execute(SQL["delete"], name=name):
        raise NotFound(f"there is no provider {name}")


async def begin(units: Units, name: str, redirect_uri: str) -> dict[str, Any]:
    """The address at the provider, and what the program that asks keeps to finish with."""
    async with units.begin(Public()) as unit:
        known = await _enabled(unit, name)
        institution_id = unit.institution_id
    if redirect_uri not in known.redirect_uris:
        raise Rejected("redirect_uri: it is none of those the provider is registered with")
    metadata = await directory().metadata(known.issuer)
    lifetime_s = settings().attempt_s
    attempt, state, binding = await attempts.begin(
        async_client(), institution_id, str(known.id), redirect_uri, lifetime_s
    )
    query = {
        "response_type": "code",
        "client_id": known.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(known.scopes),
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    address = metadata.authorization_endpoint
    joint = "&" if urlsplit(address).query else "?"
    return {
        "authorization_url": f"{address}{joint}{urlencode(query)}",
        "state": state,
        "binding": binding,
        "expires_in": lifetime_s,
    }


async def finish(
    units: Units, ring: KeyRing, name: str, back: SignInReturn, client: logins.Client
) -> dict[str, Any]:
    """A session for whoever the provider says came back. No transaction waits for the provider."""
    async with units.begin(Public()) as unit:
        known = await _enabled(unit, name)
        institution_id = unit.institution_id
    attempt = await attempts.take(
        async_client(), back.state, back.binding, institution_id, str(known.id)
    )
    metadata = await directory().metadata(known.issuer)
    if (back.iss is not None or metadata.says_iss) and back.iss != metadata.issuer:
        raise Unauthenticated("iss: the answer is from another provider than the one asked")
    answer = await directory().exchange(
        metadata,
        client_id=known.client_id,
        client_secret=repository.client_secret(known),
        token_auth=known.token_auth,
        code=back.code,
        redirect_uri=attempt.redirect_uri,
        verifier=attempt.verifier,
    )
    sworn = await id_token.verified(
        directory(),
        metadata,
        answer.get("id_token"),
        client_id=known.client_id,
        nonce=attempt.nonce,
        leeway_s=settings().leeway_s,
    )
    if "email" not in sworn and metadata.userinfo_endpoint and answer.get("access_token"):
        said = await directory().userinfo(metadata, str(answer["access_token"]))
        if said.get("sub") == sworn["sub"]:
            sworn = said | sworn
    async with units.begin(Public()) as unit:
        user_id = await _whose(unit, known, id_token.about(sworn))
        return await logins.begin(unit, ring, user_id, method=f"sso:{name}", client=client)


async def identities(unit: Unit, user_id: UUID) -> list[Identity]:
    return await unit.all(Identity, SQL["of_user"], user_id=user_id)


async def unlink(unit: Unit, user_id: UUID, identity_id: UUID) -> None:
    """Forget one way in; raises ``Conflict`` for the last one."""
    await users.locked(unit, user_id)
    others = [row for row in await identities(unit, user_id) if row.id != identity_id]
    if not others and await credentials.password_hash(unit, user_id) is None:
        raise Conflict("this is the only way into the account: set a password first")
    if not await unit.execute(SQL["unlink"], id=identity_id, user_id=user_id):
        raise NotFound(f"user {user_id} has no identity {identity_id}")


async def _enabled(unit: Unit, name: str) -> IdentityProvider:
    known = await provider(unit, name)
    if not known.enabled:
        raise NotFound(f"there is no provider {name}")
    return known


async def _whose(unit: Unit, provider: IdentityProvider, claims: Claims) -> str:
    """The account: of the identity, else of the verified address, else a new one."""
    index = repository.subject_index(unit, provider.issuer, claims.subject)
    linked = await unit.value(SQL["identity"], subject_index=index)
    if linked is not None:
        return str(linked)
    email = _proven_address(provider, claims)
    known = await users.of_email(unit, email)
    try:
        if known is None:
            user_id = await _provision(unit, provider, email, claims.name)
        else:
            user_id = await _adopt(unit, provider, str(known.id))
        ids = {"id": new_id(), "user_id": user_id, "provider_id": provider.id}
        await unit.execute(SQL["link"], subject_index=index, **ids)
    except UniqueViolation:
        raise Conflict("this login was made twice at once: start again") from None
    return user_id


def _proven_address(provider: IdentityProvider, claims: Claims) -> str:
    email = (claims.email or "").strip().lower()
    if not email or not (claims.email_verified or provider.trusts_email):
        raise Forbidden("the provider has no verified address of yours: ask it to verify one")
    domain = email.rpartition("@")[2]
    if provider.email_domains and domain not in provider.email_domains:
        raise Forbidden(f"addresses at {domain} do not belong to this institution")
    return email


async def _provision(unit: Unit, provider: IdentityProvider, email: str, name: str | None) -> str:
    if not provider.provisions:
        raise Forbidden("there is no account for you: ask the institution's administrators")
    registration = Registration(email=email, name=(name or email.partition("@")[0])[:255])
    user = await users.insert(unit, new_id(), registration)
    user = await users.set_facts(unit, user.id, verified=True)
    accounts.created(unit, user)
    return str(user.id)


async def _adopt(unit: Unit, provider: IdentityProvider, user_id: str) -> str:
    """An account that has the address already.

    Where nobody has proven the address before, whoever made the account may not be its owner: what
    they could come back with is removed. Administrators of everything are never adopted, because
    those of one institution choose its providers.
    """
    if not provider.links_by_email:
        raise Forbidden("there is an account with your address: log in there and ask to link it")
    about = Person(user_id)
    assert about.SQL is not None
    [relations] = await unit.ask((about.SQL, about.params(unit.caller)))
    if not ADOPT.of(unit.caller, about.KIND, relations.row):
        raise Forbidden("this account is not to be entered through a provider")
    user = await users.locked(unit, user_id)
    if user is None:
        raise Forbidden("there is no account for you: ask the institution's administrators")
    if user.email_verified_at is None:
        await unit.execute(credentials.SQL["drop_password"], user_id=user_id)
        await credentials.drop_links(unit, user_id)
        await sessions().end_all(user_id)
        wakes = "active" if user.activates_on_verification else None
        await users.set_facts(unit, user_id, status=wakes, verified=True, activates=False)
    return user_id
