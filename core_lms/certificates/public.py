"""``/certificates/{code}``: what a certificate's link shows to the world, as a page or as JSON."""

from __future__ import annotations

import base64
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from core_lms.certificates import keys, service
from core_lms.certificates.document import read_code
from core_lms.certificates.page import CONTENT_SECURITY_POLICY, certificate_page, unknown_page
from core_lms.certificates.repository import SQL
from core_lms.certificates.resource import Verification as Subject
from core_lms.certificates.schemas import Verification
from core_lms.units import Units, action
from gateway.caller import anonymous
from gateway.errors import NotFound
from gateway.problems import RESPONSES
from gateway.resource import Public

router = APIRouter(prefix="/certificates", tags=["certificates"], responses=RESPONSES)

Code = Annotated[
    str,
    Path(max_length=40, description="as printed on the certificate; dashes and case do not matter"),
]
HEADERS = {
    "Cache-Control": "no-store",  # a revocation counts at once
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Robots-Tag": "noindex",
    "Vary": "Accept",
}
PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "The certificate, as a page or as JSON"},
    404: {
        **RESPONSES["4XX"],
        "content": {"text/html": {}, "application/problem+json": {}},
        "description": "There is no certificate with this code",
    },
}


class VerificationKeys(BaseModel):
    """RFC 7517; the keys of all certificates ever issued here, the newest first."""

    keys: list[dict[str, Any]]


@router.get("/keys.json", response_model=VerificationKeys)
async def list_certificate_keys(
    response: Response, units: Annotated[Units, action("certificate-key.read")]
) -> dict[str, Any]:
    """List the public halves of the keys that sign certificates; none is ever removed."""
    async with units.begin(Public()) as unit:
        rows = await keys.public_keys(unit.cursor)
    response.headers["Cache-Control"] = "public, max-age=60"
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "Ed25519",
                "use": "sig",
                "kid": row["kid"],
                "x": base64.urlsafe_b64encode(bytes(row["public_key"])).rstrip(b"=").decode(),
            }
            for row in rows
        ]
    }


@router.get("/{code}", response_model=Verification, responses=PAGE)
async def verify_certificate(
    code: Code,
    units: Annotated[Units, action("certificate.verify")],
    response: Response,
    accept: Annotated[str, Header()] = "*/*",
) -> Any:
    """Say whether a certificate is valid, revoked or invalid (not what was signed); for whom and
    for what: a page for browsers (`Accept: text/html`), else JSON. Needs no login.
    """
    wants_page = "text/html" in accept
    try:
        found = await _verify(units, code)
    except NotFound:
        if not wants_page:
            raise
        return HTMLResponse(unknown_page(), HTTPStatus.NOT_FOUND, headers=HEADERS)
    if wants_page:
        return HTMLResponse(certificate_page(found), headers=HEADERS)
    response.headers.update(HEADERS)
    return found


async def _verify(units: Units, code: str) -> dict[str, Any]:
    """Asked as nobody in particular, in the institution that the code belongs to."""
    read = read_code(code) or ""
    async with units.pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(SQL["institution_of"], {"code": read})
        [institution] = await cursor.fetchone() or [None]
    if institution is None:
        # Decided all the same: whoever may not verify learns nothing, not even that.
        institution = units.caller.institution_id
    nobody = replace(units, caller=anonymous(institution))
    async with nobody.begin(Subject(read)) as unit:
        return await service.verify(unit, read)
