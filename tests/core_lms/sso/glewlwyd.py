"""Glewlwyd, a real OpenID Connect provider, as a process of its own, and a browser that uses it.

From Debian, unpacked beside the system like our own parts. It keeps its accounts in SQLite and is
set up over its own API, as its administrator would.
"""

from __future__ import annotations

import gzip
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from contracts.ids import new_id
from stack.local import debian
from tests.ports import free_port
from tests.waiting import until

CLIENT_ID, CLIENT_SECRET = "learnstream", "a-secret-of-the-client"
BACK = "http://127.0.0.1:1/back"

_CONF = """\
port={port}
bind_address="127.0.0.1"
external_url="http://127.0.0.1:{port}"
login_url="login.html"
api_prefix="api"
allow_origin="*"
log_mode="console"
log_level="WARNING"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{tree}/usr/lib/glewlwyd/user"
client_module_path="{tree}/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="{tree}/usr/lib/glewlwyd/scheme"
plugin_module_path="{tree}/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3" path = "{folder}/glewlwyd.db" }};
"""


@dataclass
class Provider:
    """A running Glewlwyd with one instance of its OpenID Connect plugin."""

    url: str
    issuer: str
    admin: httpx.Client

    def person(self, email: str, *, verified: bool | None = True) -> str:
        """Somebody who can log in there; their name, which is the password as well.

        ``verified`` is what the provider says of the address; None: nothing.
        """
        username = f"person-{new_id()}"
        body = {
            "username": username,
            "name": "Mira Okafor",
            "email": email,
            "enabled": True,
            "password": username,
            "scope": ["openid", "email", "profile"],
        }
        if verified is not None:
            body["email_verified"] = "1" if verified else "0"
        _done(self.admin.post("/api/user/", json=body))
        return username

    def browse(self, address: str, username: str) -> dict[str, str]:
        """What a browser brings back from the provider after logging in and consenting there."""
        with httpx.Client(base_url=self.url) as browser:
            _done(browser.post("/api/auth/", json={"username": username, "password": username}))
            consent = {"scope": "openid email profile"}
            _done(browser.put(f"/api/auth/grant/{CLIENT_ID}", json=consent))
            # As its login page does once somebody has consented.
            answer = browser.get(f"{address}&g_continue")
        assert answer.status_code == 302, answer.text
        back = httpx.URL(answer.headers["location"])
        assert str(back).startswith(BACK), back
        return dict(back.params)

    def new_keys(self) -> None:
        """The provider signs with another key from now on."""
        _done(self.admin.put("/api/mod/plugin/oidc", json=_plugin(self.issuer)))
        _done(self.admin.put("/api/mod/plugin/oidc/reset/"))


@contextmanager
def running(folder: Path) -> Iterator[Provider]:
    tree = debian.fetch("glewlwyd", "trixie", ("glewlwyd",), ("usr/bin/glewlwyd",), print)
    port = free_port()
    init = tree / "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"
    with sqlite3.connect(folder / "glewlwyd.db") as database:
        database.executescript(gzip.decompress(init.read_bytes()).decode())
    conf = folder / "glewlwyd.conf"
    conf.write_text(_CONF.format(port=port, tree=tree, folder=folder))
    with (folder / "glewlwyd.log").open("w") as log:
        process = subprocess.Popen(
            [tree / "usr/bin/glewlwyd", f"--config-file={conf}"], stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, folder / "glewlwyd.log")
        with httpx.Client(base_url=url) as admin:
            yield _set_up(url, admin)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _set_up(url: str, admin: httpx.Client) -> Provider:
    issuer = f"{url}/api/oidc"
    _done(admin.post("/api/auth/", json={"username": "admin", "password": "password"}))
    # Accounts there say whether their address was verified.
    users = admin.get("/api/mod/user/database").json()
    kept = {"multiple": False, "read": True, "write": True}
    users["parameters"]["data-format"]["email_verified"] = kept
    _done(admin.put("/api/mod/user/database", json=users))
    _done(admin.put("/api/mod/user/database/reset/"))
    for scope in ("email", "profile"):
        body: dict[str, Any] = {
            "name": scope,
            "display_name": scope,
            "password_required": False,
            "scheme": {},
        }
        _done(admin.post("/api/scope/", json=body))
    _done(admin.post("/api/mod/plugin/", json=_plugin(issuer)))
    client = {
        "client_id": CLIENT_ID,
        "name": "Learnstream",
        "client_secret": CLIENT_SECRET,
        "confidential": True,
        "enabled": True,
        "redirect_uri": [BACK],
        "authorization_type": ["code"],
        "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"],
        "scope": [],
    }
    _done(admin.post("/api/client/", json=client))
    return Provider(url, issuer, admin)


def _plugin(issuer: str) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parameters = {
        "iss": issuer,
        "jwt-type": "rsa",
        "jwt-key-size": "256",
        "key": private.decode(),
        "cert": public.decode(),
        "jwks-show": True,
        "code-duration": 600,
        "access-token-duration": 600,
        "refresh-token-duration": 3600,
        "refresh-token-rolling": True,
        "refresh-token-one-use": "never",
        "allow-non-oidc": False,
        "auth-type-code-enabled": True,
        "auth-type-token-enabled": False,
        "auth-type-id-token-enabled": True,
        "auth-type-none-enabled": False,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": False,
        "auth-type-device-enabled": False,
        "auth-type-refresh-enabled": False,
        "pkce-allowed": True,
        "pkce-required": True,
        "pkce-method-plain-allowed": False,
        "subject-type": "public",
        "name-claim": "mandatory",
        "email-claim": "mandatory",
        "scope-claim": "no",
        "claims": [
            {
                "name": "email_verified",
                "user-property": "email_verified",
                "type": "boolean",
                "boolean-value-true": "1",
                "boolean-value-false": "0",
                "mandatory": True,
            }
        ],
    }
    return {
        "module": "oidc",
        "name": "oidc",
        "display_name": "OpenID Connect",
        "order_rank": 0,
        "readonly": False,
        "parameters": parameters,
    }


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        until(
            lambda: httpx.get(f"{url}/api/auth/", timeout=1.0),
            "it answers",
            accepts=lambda answer: answer is not None,
            every_s=0.02,
            ignoring=httpx.TransportError,
            process=process,
        )
    except AssertionError as error:
        raise AssertionError(log.read_text()) from error


def _done(answer: httpx.Response) -> None:
    assert answer.status_code == 200, (str(answer.request.url), answer.status_code, answer.text)
