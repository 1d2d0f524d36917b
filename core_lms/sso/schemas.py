"""Providers, logins at them, and who is linked to whom, as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from gateway.text import Body, Line, Text, example

ProviderName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Address = Annotated[Text, Field(max_length=500, pattern=r"^https?://[^\s#?]+$")]
RedirectUri = Annotated[
    Text,
    Field(
        max_length=500,
        pattern=r"^(https://[^\s#]+|http://(localhost|127\.0\.0\.1|\[::1\])([:/][^\s#]*)?"
        r"|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/[^\s#]*)$",
        description="`https`, `http` on the person's own machine, or an app's own scheme, which is "
        "a domain name of its maker's (`org.example.learn:/back`, RFC 8252)",
    ),
]
Domain = Annotated[Text, Field(max_length=253, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,60}$")]
Secret = Annotated[Text, Field(min_length=1, max_length=500)]
TokenAuth = Literal["client_secret_basic", "client_secret_post", "none"]
Once = Annotated[Text, Field(min_length=1, max_length=200)]


class NewProvider(Body):
    """A provider that knows us as `client_id`, and how far it is trusted."""

    model_config = example(
        name="campus",
        title="Campus login",
        issuer="https://login.example.org",
        client_id="learnstream",
        client_secret="what the provider gave you",
        redirect_uris=["https://learn.example.org/back"],
        email_domains=["example.org"],
    )

    name: ProviderName
    title: Line
    issuer: Address
    client_id: Line
    client_secret: Secret | None = None
    token_auth: TokenAuth = "client_secret_basic"
    scopes: Annotated[list[Scope], Field(max_length=20)] = Field(
        default=["openid", "email", "profile"]
    )
    redirect_uris: Annotated[list[RedirectUri], Field(min_length=1, max_length=20)]
    provisions: bool = Field(True, description="makes an account for whoever it brings")
    links_by_email: bool = Field(True, description="may bring people into existing accounts")
    trusts_email: bool = Field(False, description="its addresses are taken for verified")
    email_domains: Annotated[list[Domain], Field(max_length=50)] = Field(default=[])
    enabled: bool = True

    @model_validator(mode="after")
    def _fits(self) -> NewProvider:
        if (self.token_auth == "none") != (self.client_secret is None):
            raise ValueError("give a client_secret, or token_auth none for a public client")
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid must be among them")
        return self


class ProviderChange(Body):
    """What of a provider shall be different; fields left out stay. A new issuer is a new provider:
    who somebody is there is not who they were here."""

    model_config = example(enabled=False)

    title: Line | None = None
    client_id: Line | None = None
    client_secret: Secret | None = None
    redirect_uris: Annotated[list[RedirectUri], Field(min_length=1, max_length=20)] | None = None
    provisions: bool | None = None
    links_by_email: bool | None = None
    trusts_email: bool | None = None
    email_domains: Annotated[list[Domain], Field(max_length=50)] | None = None
    enabled: bool | None = None


class Provider(BaseModel):
    """A provider as its administrators see it; the secret is never shown."""

    name: str
    title: str
    issuer: str
    client_id: str
    token_auth: TokenAuth
    scopes: list[str]
    redirect_uris: list[str]
    provisions: bool
    links_by_email: bool
    trusts_email: bool
    email_domains: list[str]
    enabled: bool
    created_at: datetime
    updated_at: datetime


class ProviderChoice(BaseModel):
    """A button on the login page."""

    name: str
    title: str


class ProviderChoices(BaseModel):
    """What somebody may choose among."""

    items: list[ProviderChoice]


class NewSignInAttempt(Body):
    """Where the provider shall send the person back to: one of the provider's `redirect_uris`."""

    model_config = example(redirect_uri="https://learn.example.org/back")

    redirect_uri: RedirectUri


class SignInAttempt(BaseModel):
    """Send the person to `authorization_url`; keep `state` to compare and `binding` to finish."""

    authorization_url: str
    state: str
    binding: str
    expires_in: int


class SignInReturn(Body):
    """What the provider put into the address it sent the person back to, and the `binding`."""

    model_config = example(code="4f1c…", state="Zk2…", binding="p9Q…")

    code: Annotated[Text, Field(min_length=1, max_length=4000)]
    state: Once
    binding: Once
    iss: Annotated[Text, Field(max_length=500)] | None = None


class Identity(BaseModel):
    """One of somebody's ways in."""

    id: UUID
    provider: str
    title: str
    created_at: datetime
    last_login_at: datetime


class Identities(BaseModel):
    """All of a person's identities at providers."""

    items: list[Identity]
