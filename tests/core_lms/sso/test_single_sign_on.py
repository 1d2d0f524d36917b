"""There and back with a real provider, and into whose account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.sso import service
from core_lms.sso.provider import Directory
from core_lms.sso.settings import SsoSettings
from tests.core_lms.sessions.conftest import PASSWORD, Person
from tests.core_lms.sso import glewlwyd

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[glewlwyd.Provider]:
    with glewlwyd.running(tmp_path_factory.mktemp("glewlwyd")) as running:
        yield running


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _own_directory(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """What the process knows of providers: nothing yet; plain HTTP to one's own machine is fine."""
    own = Directory(SsoSettings(plain_http=True, allow_private=True), clock)
    monkeypatch.setattr(service, "directory", lambda: own)


@dataclass
class Campus:
    """An institution that lets its people in through the provider."""

    lms: Any
    provider: glewlwyd.Provider
    name: str

    def post(self, path: str, body: Any) -> Any:
        headers = {"X-Institution-Id": self.lms.institution_id}
        return self.lms.http.post(f"/api/v1/sso/{self.name}{path}", json=body, headers=headers)

    def begin(self) -> dict[str, str]:
        answer = self.post("/attempts", {"redirect_uri": glewlwyd.BACK})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def finish(self, begun: dict[str, str], back: dict[str, str], **more: Any) -> Any:
        body = {"code": back["code"], "state": back["state"], "binding": begun["binding"], **more}
        return self.post("/sessions", body)

    def log_in(self, username: str) -> Any:
        begun = self.begin()
        back = self.provider.browse(begun["authorization_url"], username)
        assert back["state"] == begun["state"]
        return self.finish(begun, back)

    def tokens(self, username: str) -> dict[str, Any]:
        answer = self.log_in(username)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture
def campus(lms: Any, provider: glewlwyd.Provider) -> Callable[..., Campus]:
    def make(**trust: Any) -> Campus:
        body = {
            "name": f"p{new_id()[-12:]}",
            "title": "Campus login",
            "issuer": provider.issuer,
            "client_id": glewlwyd.CLIENT_ID,
            "client_secret": glewlwyd.CLIENT_SECRET,
            "redirect_uris": [glewlwyd.BACK],
            **trust,
        }
        return Campus(lms, provider, lms.made("/sso/providers", body)["name"])

    return make


def address() -> str:
    return f"{new_id()}@example.org"


def test_the_first_login_makes_an_account_and_the_next_one_finds_it(
    campus: Any, lms: Any, provider: Any
) -> None:
    email = address()
    mira, there = provider.person(email), campus()

    first, second = there.tokens(mira), there.tokens(mira)

    assert first["user_id"] == second["user_id"]
    account = lms.get(f"/users/{first['user_id']}").json()
    assert (account["email"], account["name"], account["role"], account["status"]) == (
        email,
        "Mira Okafor",
        "student",
        "active",
    )
    assert account["email_verified_at"] is not None
    assert lms.types() == ["user.created"]
    person = Person(lms, first["user_id"], email)
    assert person.me(first) == 200
    assert person.refresh(first).status_code == 200
    sessions = person.call(first, "GET", f"/users/{person.user_id}/sessions").json()["items"]
    assert {row["method"] for row in sessions} == {f"sso:{there.name}"}
    assert person.log_in().status_code == 401, "there is no password"


def test_a_client_that_posts_its_secret_and_other_providers_work_beside(
    campus: Any, provider: Any
) -> None:
    mira = provider.person(address())
    basic, posting = campus(), campus(token_auth="client_secret_post")
    assert basic.tokens(mira)["user_id"] == posting.tokens(mira)["user_id"]


def test_a_verified_address_leads_into_the_account_that_has_it(
    campus: Any, mira: Person, provider: Any
) -> None:
    assert mira.post("/passwords", {"token": mira.link("verify"), "password": PASSWORD})
    tokens = campus().tokens(provider.person(mira.email.upper()))
    assert tokens["user_id"] == mira.user_id
    assert mira.log_in().status_code == 201


def test_who_made_an_account_for_another_s_address_is_out_once_its_owner_comes(
    campus: Any, mira: Person, provider: Any
) -> None:
    squatters, link = mira.tokens(), mira.link("verify")

    tokens = campus().tokens(provider.person(mira.email))

    assert tokens["user_id"] == mira.user_id
    assert mira.me(squatters) == 401
    assert mira.log_in().status_code == 401
    body = {"token": link, "password": "seven quiet harbours"}
    assert mira.post("/passwords", body).status_code == 422
    assert mira.me(tokens) == 200


@pytest.mark.parametrize("verified", [False, None])
def test_an_address_that_the_provider_did_not_verify_leads_nowhere(
    campus: Any, mira: Person, provider: Any, verified: bool | None
) -> None:
    impostor = provider.person(mira.email, verified=verified)
    answer = campus().log_in(impostor)
    assert answer.status_code == 403
    assert "verified" in answer.json()["detail"]
    assert mira.log_in().status_code == 201


def test_a_provider_may_be_trusted_with_addresses(campus: Any, provider: Any) -> None:
    silent = provider.person(address(), verified=None)
    assert campus(trusts_email=True).log_in(silent).status_code == 201


def test_a_provider_is_trusted_no_further_than_the_institution_says(
    campus: Any, mira: Person, provider: Any
) -> None:
    known, unknown = provider.person(mira.email), provider.person(address())
    assert campus(email_domains=["example.com"]).log_in(unknown).status_code == 403
    assert campus(provisions=False).log_in(unknown).status_code == 403
    assert campus(provisions=False).log_in(known).status_code == 201
    other = provider.person(mira.email)
    assert campus(links_by_email=False).log_in(other).status_code == 403


def test_no_provider_leads_into_the_account_of_an_administrator_of_everything(
    campus: Any, anybody: Any, provider: Any, lms: Any
) -> None:
    boss = anybody("admin")
    lms.made(f"/users/{boss.user_id}/roles", {"role_name": "admin", "scope": "global"})
    assert campus().log_in(provider.person(boss.email)).status_code == 403


def test_who_is_suspended_is_not_let_in_by_a_provider(campus: Any, provider: Any, lms: Any) -> None:
    there, mira = campus(), provider.person(address())
    user_id = there.tokens(mira)["user_id"]
    body, headers = {"status": "suspended"}, {"If-Match": "*"}
    lms.call("PUT", f"/users/{user_id}/status", json=body, headers=headers)
    assert there.log_in(mira).status_code == 403


def test_an_answer_is_taken_once_by_who_began_and_where_it_was_begun(
    campus: Any, provider: Any
) -> None:
    there, elsewhere, mira = campus(), campus(), provider.person(address())

    def came_back() -> tuple[dict[str, str], dict[str, str]]:
        begun = there.begin()
        return begun, provider.browse(begun["authorization_url"], mira)

    begun, back = came_back()
    assert there.finish(begun, back).status_code == 201
    assert there.finish(begun, back).status_code == 422, "twice"
    begun, back = came_back()
    assert there.finish(there.begin(), back).status_code == 422, "another program's binding"
    assert there.finish(begun, back).status_code == 422, "… and it is used up"
    begun, back = came_back()
    assert elsewhere.finish(begun, back).status_code == 422, "another provider"
    begun, back = came_back()
    assert there.finish(begun, back | {"state": "made-up"}).status_code == 422
    begun, back = came_back()
    assert there.finish(begun, back, iss="https://evil.example").status_code == 401, "mixed up"
    _, stolen = came_back()
    begun, back = came_back()
    injected = there.finish(begun, back | {"code": stolen["code"]})
    assert injected.status_code == 422, "PKCE: the code is another login's"
    assert "refused the code" in injected.json()["detail"]


def test_a_wrong_secret_is_the_provider_s_refusal(campus: Any, provider: Any) -> None:
    answer = campus(client_secret="wrong").log_in(provider.person(address()))
    assert answer.status_code == 422
    assert "refused the code" in answer.json()["detail"]


def test_a_provider_that_signs_with_a_new_key_is_read_again(
    campus: Any, provider: Any, clock: Clock
) -> None:
    there, mira = campus(), provider.person(address())
    there.tokens(mira)
    provider.new_keys()
    assert there.log_in(mira).status_code == 401, "asked a moment ago"
    clock.now += 31
    assert there.log_in(mira).status_code == 201


def test_a_provider_that_is_away_is_a_503_and_one_that_is_none_a_4xx(
    campus: Any, lms: Any, provider: Any
) -> None:
    body = {"redirect_uri": glewlwyd.BACK}
    assert campus(issuer="http://127.0.0.1:1").post("/attempts", body).status_code == 503
    assert campus(issuer=f"{provider.url}/api").post("/attempts", body).status_code == 422
    wrong_name = campus(issuer=f"{provider.issuer}/").post("/attempts", body)
    assert "calls itself" in wrong_name.json()["detail"]


def test_a_provider_without_tls_is_refused(
    campus: Any, lms: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "directory", lambda: Directory(SsoSettings()))
    body = {
        "name": "plain",
        "title": "Plain",
        "issuer": provider.issuer,
        "client_id": "c",
        "client_secret": "s",
        "redirect_uris": [glewlwyd.BACK],
    }
    answer = lms.post("/sso/providers", body)
    assert answer.status_code == 422
    assert "https" in answer.json()["detail"]


def test_people_are_sent_back_only_where_the_institution_said(campus: Any) -> None:
    answer = campus().post("/attempts", {"redirect_uri": "https://evil.example/back"})
    assert answer.status_code == 422


def test_providers_are_listed_changed_switched_off_and_forgotten(campus: Any, lms: Any) -> None:
    there = campus()
    path = f"/sso/providers/{there.name}"
    shown = lms.get(path)
    assert "client_secret" not in shown.json()
    assert glewlwyd.CLIENT_SECRET not in shown.text
    headers = {"X-Institution-Id": lms.institution_id}
    choices = lms.http.get("/api/v1/sso/choices", headers=headers).json()["items"]
    assert choices == [{"name": there.name, "title": "Campus login"}]
    off = lms.call(
        "PATCH", path, json={"enabled": False}, headers={"If-Match": shown.headers["etag"]}
    )
    assert off.status_code == 200
    assert lms.http.get("/api/v1/sso/choices", headers=headers).json()["items"] == []
    assert there.post("/attempts", {"redirect_uri": glewlwyd.BACK}).status_code == 404
    assert lms.call("DELETE", path).status_code == 204
    assert lms.get(path).status_code == 404


def test_the_database_holds_neither_the_secret_nor_the_subject(
    campus: Any, provider: Any, lms: Any
) -> None:
    there = campus()
    there.tokens(provider.person(address()))
    row = lms.database.execute(
        "SELECT client_secret_sealed, subject_index FROM identity_providers AS p "
        "JOIN identities AS i ON i.provider_id = p.id WHERE p.name = %s",
        [there.name],
    ).fetchone()
    assert glewlwyd.CLIENT_SECRET.encode() not in bytes(row[0])
    assert len(row[1]) >= 16


def test_the_last_way_into_an_account_is_not_cut(campus: Any, provider: Any, lms: Any) -> None:
    tokens = campus().tokens(provider.person(address()))
    person = Person(lms, tokens["user_id"], "")
    path = f"/users/{person.user_id}/identities"
    [identity] = person.call(tokens, "GET", path).json()["items"]
    assert person.call(tokens, "DELETE", f"{path}/{identity['id']}").status_code == 409
    body = {"token": person.link(), "password": "seven quiet harbours"}
    assert person.post("/passwords", body).status_code == 204
    assert lms.call("DELETE", f"{path}/{identity['id']}").status_code == 204
