"""``/.well-known/jwks.json``: what others need to check our access tokens themselves."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from gateway.keys import REREAD_S
from gateway.problems import RESPONSES

router = APIRouter(prefix="/.well-known", tags=["access"], responses=RESPONSES)


class JsonWebKeySet(BaseModel):
    """RFC 7517; every key whose tokens are accepted, the next one to sign among them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "keys": [
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "x": "NynkZ-YwtD5LKp-iLwJq0ebNpOItxBWbFycTmhkGPKM",
                        "kid": "01a2061c-f7c7-78eb-baaf-244bc2b01e93",
                        "use": "sig",
                        "alg": "Ed25519",
                    }
                ]
            }
        }
    )

    keys: list[dict[str, Any]]


@router.get("/jwks.json", response_model=JsonWebKeySet)
async def list_token_keys(request: Request, response: Response) -> dict[str, Any]:
    """List the public halves of the keys that sign access tokens."""
    response.headers["Cache-Control"] = f"public, max-age={int(REREAD_S)}"
    return {"keys": await asyncio.to_thread(request.app.state.ring.public_keys)}
