"""``/api/v1/session``: signing in to the pages and out again, against the LMS's own sessions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ConfigDict, Field

from contracts.event import UUID_PATTERN
from contracts.ids import DEFAULT_INSTITUTION
from dashboards.web import sessions
from dashboards.web.visit import Visit, visits
from gateway.errors import Unauthenticated
from gateway.limits.address import client_address
from gateway.limits.settings import LimitSettings
from gateway.problems import RESPONSES
from gateway.text import Body, Text

PATH = "/api/v1/session"
router = APIRouter(prefix=PATH, tags=["session"], responses=RESPONSES)
_trusted = LimitSettings().trusted_proxies

Begins = Annotated[Visit, visits("visit.begin")]
InstitutionId = Annotated[str, Field(pattern=UUID_PATTERN)] | None
InQuery = Annotated[str | None, Query(pattern=UUID_PATTERN)]
Provider = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]


class ByLink(Body):
    """What follows the # in a link that signs in."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": "lsl1_AAAA…"}})

    token: Annotated[Text, Field(min_length=1, max_length=200)]


class ByPassword(Body):
    """Address and password of an account."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "mira@example.org", "password": "ocean green lamp"}}
    )

    email: Annotated[Text, Field(min_length=1, max_length=255)]
    password: Annotated[Text, Field(min_length=1, max_length=200)]
    institution_id: InstitutionId = None


class ByProvider(Body):
    """What a single sign-on provider put into the address, and what the page kept meanwhile."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "code": "SplxlOBeZQQYbYS6WxS",
                "state": "af0ifjsldkj",
                "binding": "n-0S6",
            }
        }
    )

    code: Annotated[Text, Field(min_length=1, max_length=4000)]
    state: Annotated[Text, Field(min_length=1, max_length=200)]
    binding: Annotated[Text, Field(min_length=1, max_length=200)]
    iss: Annotated[Text, Field(max_length=500)] | None = None
    institution_id: InstitutionId = None


class Elsewhere(Body):
    """Of which institution, if not the installation's own."""

    model_config = ConfigDict(json_schema_extra={"example": {}})

    institution_id: InstitutionId = None


@router.get("")
async def get_session(visit: Annotated[Visit, visits("visit.read")]) -> dict[str, Any]:
    """Say who is signed in, and whose rows they see."""
    visit.decide("Public")
    caller = visit.caller
    if caller.user_id is None:
        raise Unauthenticated("nobody is signed in")
    token = await visit.token()
    scope = await visit.web.scopes.of(caller, token)
    account = (await visit.web.lms.ask("GET", f"/users/{caller.user_id}", token)).json()
    return {"user_id": caller.user_id, "name": account["name"], "scope": scope}


@router.post("/link", status_code=HTTPStatus.CREATED)
async def sign_in_by_link(visit: Begins, body: ByLink, request: Request, response: Response) -> Any:
    """Sign in with a link, once."""
    return await _begin(visit, request, response, "/sessions/by-link", {"token": body.token})


@router.post("/password", status_code=HTTPStatus.CREATED)
async def sign_in_by_password(
    visit: Begins, body: ByPassword, request: Request, response: Response
) -> Any:
    """Sign in with a password."""
    known = {"email": body.email, "password": body.password}
    return await _begin(visit, request, response, "/sessions", known, body.institution_id)


@router.get("/providers")
async def list_sign_in_choices(visit: Begins, institution_id: InQuery = None) -> Any:
    """List the institution's single sign-on providers."""
    visit.decide("Public")
    headers = _of(institution_id)
    return (await visit.web.lms.ask("GET", "/sso/choices", None, headers=headers)).json()


@router.post("/providers/{provider}/attempt", status_code=HTTPStatus.CREATED)
async def begin_sign_in(
    visit: Begins, provider: Provider, body: Elsewhere, request: Request
) -> Any:
    """Say where to send the browser to sign in; the page keeps `state` and `binding` until it is
    back.
    """
    visit.decide("Public")
    sessions.require_same_origin(request.scope)
    back = {"redirect_uri": f"{visit.web.settings.pages_address}/sign-in"}
    headers = _headers(request, body.institution_id)
    path = f"/sso/{provider}/attempts"
    return (await visit.web.lms.ask("POST", path, None, headers=headers, json=back)).json()


@router.post("/providers/{provider}", status_code=HTTPStatus.CREATED)
async def sign_in_by_provider(
    visit: Begins, provider: Provider, body: ByProvider, request: Request, response: Response
) -> Any:
    """Sign in with what a provider sent the browser back with."""
    given = body.model_dump(exclude={"institution_id"}, exclude_none=True)
    path = f"/sso/{provider}/sessions"
    return await _begin(visit, request, response, path, given, body.institution_id)


@router.delete("", status_code=HTTPStatus.NO_CONTENT)
async def sign_out(visit: Annotated[Visit, visits("visit.end")], response: Response) -> None:
    """End the session, at the LMS as well."""
    visit.decide("Public")
    if visit.secret is not None:
        await visit.web.sessions.end(visit.secret)
    visit.web.cookie.delete(response)


async def _begin(
    visit: Visit,
    request: Request,
    response: Response,
    path: str,
    body: dict[str, Any],
    institution_id: str | None = None,
) -> dict[str, Any]:
    visit.decide("Public")
    sessions.require_same_origin(request.scope)
    headers = _headers(request, institution_id)
    answer = await visit.web.lms.ask("POST", path, None, headers=headers, json=body)
    tokens = answer.json()
    if visit.secret is not None:  # a new session replaces the one before
        await visit.web.sessions.end(visit.secret)
    visit.web.cookie.set(response, await visit.web.sessions.begin(tokens))
    return {"user_id": tokens["user_id"]}


def _headers(request: Request, institution_id: str | None) -> dict[str, str]:
    """The browser's address, by which the LMS throttles, and its program, listed with sessions."""
    address = client_address(request.scope, _trusted)
    agent = request.headers.get("user-agent", "")
    named = {"X-Forwarded-For": address} if address else {}
    return _of(institution_id) | named | {"User-Agent": agent}


def _of(institution_id: str | None) -> dict[str, str]:
    return {"X-Institution-Id": institution_id or DEFAULT_INSTITUTION}
