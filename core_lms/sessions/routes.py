"""``/sessions``, ``/passwords``, ``/registrations``: logging in, and asking for a way in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from core_lms.sessions import asks, links, schemas, service
from core_lms.sessions.resource import InventedLearner
from core_lms.units import Units, action
from core_lms.users import service as accounts
from core_lms.users.resource import Person
from core_lms.users.schemas import Accepted, SelfRegistration
from gateway.keys import KeyRing
from gateway.limits.address import client_address
from gateway.limits.settings import LimitSettings
from gateway.problems import RESPONSES
from gateway.resource import Institution, Public

_sessions = APIRouter(prefix="/sessions", tags=["sessions"], responses=RESPONSES)
_passwords = APIRouter(prefix="/passwords", tags=["sessions"], responses=RESPONSES)
_registrations = APIRouter(prefix="/registrations", tags=["users"], responses=RESPONSES)
_of_person = APIRouter(prefix="/users/{user_id}", tags=["sessions"], responses=RESPONSES)
_trusted = LimitSettings().trusted_proxies


def client(request: Request) -> service.Client:
    agent = request.headers.get("user-agent", "")
    return service.Client(client_address(request.scope, _trusted), agent)


async def no_store(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


async def ring(request: Request, response: Response) -> KeyRing:
    """What a route signs tokens with; nobody keeps its answer."""
    await no_store(response)
    keys: KeyRing = request.app.state.ring
    return keys


InClient = Annotated[service.Client, Depends(client)]
InRing = Annotated[KeyRing, Depends(ring)]


@_registrations.post("", status_code=HTTPStatus.ACCEPTED, response_model=Accepted)
async def create_registration(
    body: SelfRegistration, units: Annotated[Units, action("registration.create", keyed=True)]
) -> Accepted:
    """Ask for an account. The answer, and the work it takes, are the same for every address."""
    async with units.begin(Institution()) as unit:
        accounts.open_to_strangers()
        await asks.ask(unit, "register", body)
    return Accepted()


@_sessions.post("", status_code=HTTPStatus.CREATED, response_model=schemas.Tokens)
async def create_session(
    body: schemas.Login,
    units: Annotated[Units, action("session.create")],
    who: InClient,
    keys: InRing,
) -> Any:
    """Log in. Wrong passwords make the next try wait: 429 with `Retry-After`."""
    return await service.log_in(units, keys, body.email, body.password, who)


@_sessions.post("/by-link", status_code=HTTPStatus.CREATED, response_model=schemas.Tokens)
async def create_session_by_link(
    body: schemas.SignInLink,
    units: Annotated[Units, action("session.create-by-link")],
    who: InClient,
    keys: InRing,
) -> Any:
    """Log in with a link that the operator has made, once."""
    return await service.log_in_by_link(units, keys, body.token, who)


@_of_person.post("/act-as", status_code=HTTPStatus.CREATED, response_model=schemas.BorrowedToken)
async def act_as_user(
    user_id: UUID, units: Annotated[Units, action("session.act-as")], keys: InRing
) -> dict[str, Any]:
    """Study as an invented learner: administrators, in the local demo, and nowhere else."""
    async with units.begin(InventedLearner(user_id)) as unit:
        return await service.act_as(unit, keys, str(user_id))


@_sessions.post("/refresh", response_model=schemas.Tokens)
async def refresh_session(
    body: schemas.Refresh, units: Annotated[Units, action("session.refresh")], keys: InRing
) -> Any:
    """Get the next tokens, without an `Authorization` header. A refresh token is good for one use:
    a second one, later than a moment, ends the session, because somebody has a copy.
    """
    async with units.begin(Public()) as unit:
        return await service.refresh(unit, keys, body.refresh_token)


@_of_person.get("/sessions", response_model=schemas.SessionList)
async def list_sessions(
    user_id: UUID, units: Annotated[Units, action("session.list")]
) -> dict[str, Any]:
    """List where a person is logged in."""
    async with units.begin(Person(user_id)) as unit:
        return {"items": await service.listed(unit, str(user_id))}


@_of_person.delete("/sessions", status_code=HTTPStatus.NO_CONTENT)
async def end_all_sessions(user_id: UUID, units: Annotated[Units, action("session.end")]) -> None:
    """Log the person out everywhere, at once."""
    async with units.begin(Person(user_id)) as unit:
        await service.end_all(unit, str(user_id))


@_of_person.delete("/sessions/{session_id}", status_code=HTTPStatus.NO_CONTENT)
async def end_session(
    user_id: UUID, session_id: UUID, units: Annotated[Units, action("session.end")]
) -> None:
    """Log one session of a person out, at once."""
    async with units.begin(Person(user_id)) as unit:
        await service.end(unit, str(user_id), session_id)


@_of_person.put("/password", status_code=HTTPStatus.NO_CONTENT)
async def change_password(
    user_id: UUID,
    body: schemas.PasswordChange,
    units: Annotated[Units, action("password.change")],
    who: InClient,
) -> None:
    """Change the password of a person; emits `user.password.changed` and ends every other
    session."""
    await service.change_password(units, Person(user_id), user_id, body.current, body.new, who)


@_passwords.post("/forgotten", status_code=HTTPStatus.ACCEPTED, response_model=Accepted)
async def request_password_link(
    body: schemas.Forgotten, units: Annotated[Units, action("password.forget")], who: InClient
) -> Accepted:
    """Have a link mailed that sets a password. The answer, and the work it takes, are the same for
    every address.
    """
    async with units.begin(Public()) as unit:
        await service.forgot(unit, body, who)
    return Accepted()


@_passwords.post("", status_code=HTTPStatus.NO_CONTENT)
async def set_password(
    body: schemas.NewPassword, units: Annotated[Units, action("password.set")]
) -> None:
    """Set a password with a mailed link, once; it also verifies the address and ends sessions."""
    async with units.begin(Public()) as unit:
        hash_ = await links.opened(unit, body.token, body.password)
    async with units.begin(Public()) as unit:
        await links.redeem(unit, body.token, hash_)


router = APIRouter()
for _router in (_registrations, _sessions, _of_person, _passwords):
    router.include_router(_router)
