"""``/sso``: the institution's OpenID Connect providers, and logging in through them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from core_lms.sessions.routes import InClient, InRing, no_store
from core_lms.sessions.schemas import Tokens
from core_lms.sso import schemas, service
from core_lms.sso.repository import IdentityProvider
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.problems import RESPONSES
from gateway.resource import Institution

Name = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]

_sso = APIRouter(prefix="/sso", tags=["sso"], responses=RESPONSES)
_of_person = APIRouter(prefix="/users/{user_id}", tags=["sso"], responses=RESPONSES)


@_sso.get("/choices", response_model=schemas.ProviderChoices)
async def list_sign_in_choices(
    units: Annotated[Units, action("provider.choose")],
) -> dict[str, Any]:
    """List what a login page offers."""
    async with units.begin(Institution()) as unit:
        return {"items": [row for row in await service.providers(unit) if row.enabled]}


@_sso.post("/providers", status_code=HTTPStatus.CREATED, response_model=schemas.Provider)
async def create_sso_provider(
    body: schemas.NewProvider,
    units: Annotated[Units, action("provider.create", keyed=True)],
) -> IdentityProvider:
    """Let people log in through a provider."""
    async with units.begin(Institution()) as unit:
        return await service.create(unit, body)


@_sso.get("/providers/{sso_provider}", response_model=schemas.Provider, responses=etags.READ)
async def get_sso_provider(
    sso_provider: Name, units: Annotated[Units, action("provider.read")], reader: InReader
) -> Any:
    """Read one provider, without its secret."""
    async with units.begin(Institution()) as unit:
        return reader.answer(await service.provider(unit, sso_provider))


@_sso.patch("/providers/{sso_provider}", response_model=schemas.Provider, responses=etags.UPDATE)
async def update_sso_provider(
    sso_provider: Name,
    body: schemas.ProviderChange,
    units: Annotated[Units, action("provider.update")],
    writer: InWriter,
) -> Any:
    """Change a provider, or switch it off with `enabled`."""
    async with units.begin(Institution()) as unit:
        return writer.answer(await service.change(unit, sso_provider, body, writer.check))


@_sso.delete("/providers/{sso_provider}", status_code=HTTPStatus.NO_CONTENT)
async def delete_sso_provider(
    sso_provider: Name, units: Annotated[Units, action("provider.delete")]
) -> None:
    """Forget a provider and who came through it."""
    async with units.begin(Institution()) as unit:
        await service.delete(unit, sso_provider)


@_sso.post(
    "/{sso_provider}/attempts",
    status_code=HTTPStatus.CREATED,
    response_model=schemas.SignInAttempt,
    dependencies=[Depends(no_store)],
)
async def begin_sign_in(
    sso_provider: Name, body: schemas.NewSignInAttempt, units: Annotated[Units, action("sso.begin")]
) -> dict[str, Any]:
    """Begin a login with a provider; authorization code with PKCE, `state` and `nonce`."""
    return await service.begin(units, sso_provider, body.redirect_uri)


@_sso.post("/{sso_provider}/sessions", status_code=HTTPStatus.CREATED, response_model=Tokens)
async def finish_sign_in(
    sso_provider: Name,
    body: schemas.SignInReturn,
    units: Annotated[Units, action("sso.finish")],
    who: InClient,
    keys: InRing,
) -> Any:
    """Log in with what a provider sent back; the same session as after a password."""
    return await service.finish(units, keys, sso_provider, body, who)


@_of_person.get("/identities", response_model=schemas.Identities)
async def list_identities(
    user_id: UUID, units: Annotated[Units, action("identity.list")]
) -> dict[str, Any]:
    """List through which providers a person comes."""
    async with units.begin(Person(user_id)) as unit:
        return {"items": await service.identities(unit, user_id)}


@_of_person.delete("/identities/{identity_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_identity(
    user_id: UUID, identity_id: UUID, units: Annotated[Units, action("identity.delete")]
) -> None:
    """Forget one way in, if there is another."""
    async with units.begin(Person(user_id)) as unit:
        await service.unlink(unit, user_id, identity_id)


router = APIRouter()
router.include_router(_sso)
router.include_router(_of_person)
