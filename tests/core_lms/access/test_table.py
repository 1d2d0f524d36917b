"""Every route, asked by everybody: who may is written in the contexts' ``access.csv``."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from contracts.errors import Rejected
from core_lms.app import create_app
from gateway import actions
from gateway.decision import RIGHTS
from stack.profile import REPOSITORY
from tests.core_lms.access.bodies import body_of
from tests.core_lms.access.world import CALLERS, World, make

_FOLDERS = Path(__file__).parent.parent


def table() -> dict[str, dict[str, str]]:
    """Rows by action, or by action and kind of resource where an action has several."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(_FOLDERS.glob("*/access.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                assert row["action"] not in found, f"{path}: {row['action']} has two rows"
                assert set(row) == {"action", *CALLERS}, path
                assert {row[caller] for caller in CALLERS} <= {"allow", "deny"}, row
                found[row.pop("action")] = row
    return found


OPERATION = ("/health", "/metrics", "/.well-known", "/docs", "/redoc", "/openapi.json")
"""Beginnings of paths that need no policy: they show nothing of anybody."""


@cache
def routes() -> list[RouteContext]:
    found = [
        route
        for route in iter_route_contexts(create_app().routes)
        if isinstance(route.original_route, APIRoute) and not str(route.path).startswith(OPERATION)
    ]
    assert len(found) > 20
    return found


def action_of(route: RouteContext) -> str | None:
    found = [
        call.action
        for one in route.dependant.dependencies
        if isinstance(call := one.call, actions.Action)
    ]
    return found[0] if len(found) == 1 else None


_named_action = re.compile(r'Action::"([^"]+)"')


def label(route: RouteContext) -> str:
    return f"{min(route.methods or {'?'})} {route.path}"


@pytest.mark.parametrize("route", routes(), ids=label)
def test_every_route_names_an_action_that_has_a_row(route: RouteContext) -> None:
    action = action_of(route)
    assert action, f'{label(route)} needs work: Annotated[Work, does("noun.verb")]'
    rows = [name for name in table() if name.split()[0] == action]
    assert rows, f"no tests/core_lms/*/access.csv has a row for {action} ({label(route)})"


def test_every_action_of_a_policy_and_of_the_table_is_one_of_a_route() -> None:
    """Policies of other processes: ``tests/gateway/test_policies.py``."""
    known = {action_of(route) for route in routes()} | RIGHTS.keys()
    files = (
        path.read_text(encoding="utf-8") for path in REPOSITORY.glob("core_lms/*/policies.cedar")
    )
    assert {name for text in files for name in _named_action.findall(text)} <= known
    assert {name.split()[0] for name in table()} <= known


@pytest.fixture(scope="module")
def world(module_lms: Any) -> World:
    return make(module_lms)


class Decided(Rejected):
    """Thrown once the policies have been asked: the service must not run in this test."""


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, bool]]]:
    """Every decision made, as (action, kind of resource, allowed); nothing happens after one."""
    made: list[tuple[str, str, bool]] = []
    real = actions.allowed

    def deciding(caller: Any, action: str, kind: str, facts: Any) -> bool:
        made.append((action, kind, real(caller, action, kind, facts)))
        raise Decided("decided")

    monkeypatch.setattr(actions, "allowed", deciding)
    return made  # type: ignore[return-value]


def ask(world: World, route: RouteContext, token: str | None) -> Any:
    path = re.sub(r"{(\w+)(:path)?}", lambda match: world.ids[match.group(1)], str(route.path))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    headers |= {"X-Institution-Id": world.lms.institution_id, "If-Match": '"any"'}
    body = body_of(route, world.ids)
    headers |= body.pop("headers", {})
    method = min(route.methods or {"GET"})
    return world.lms.http.request(method, path, headers=headers, **body)


@pytest.mark.integration
@pytest.mark.parametrize("route", routes(), ids=label)
def test_everybody_may_do_what_the_table_says_and_nothing_else(
    world: World, route: RouteContext, decisions: list[tuple[str, str, bool]]
) -> None:
    missing = set(re.findall(r"{(\w+)", str(route.path))) - set(world.ids)
    assert not missing, f"{label(route)}: a world.py has to make {missing}"
    action = action_of(route) or ""
    seen, expected = {}, {}
    for caller in CALLERS:
        decisions.clear()
        answer = ask(world, route, world.token(caller, action))
        assert decisions, f"{label(route)} as {caller} asked no policy: {answer.text}"
        _, kind, allowed = decisions[0]
        row = table().get(f"{action} {kind}") or table()[action]
        seen[caller] = "allow" if allowed else "deny"
        expected[caller] = row[caller]
    assert seen == expected


@pytest.mark.integration
@pytest.mark.parametrize("route", [r for r in routes() if "{" in str(r.path)], ids=label)
def test_another_institution_s_administrator_finds_nothing(
    world: World, route: RouteContext
) -> None:
    if action_of(route) in PUBLIC:
        pytest.skip("open to everybody, by a link that cannot be guessed")
    if action_of(route) in OF_NO_TENANT:
        pytest.skip("the path names no thing of a tenant; the context's own test tries to cross")
    elsewhere = world.lms.elsewhere()
    admin = elsewhere.person(elsewhere.user("admin"), "admin@institution")
    answer = ask(world, route, admin.token)
    assert answer.status_code in (404, 403), (answer.status_code, answer.text)


OF_NO_TENANT = {"analytics.read", "relation.read"}
PUBLIC = {name.split()[0] for name, row in table().items() if row["anonymous"] == "allow"}


@pytest.mark.integration
@pytest.mark.parametrize("route", routes(), ids=label)
def test_a_key_without_the_permission_is_refused(
    world: World, route: RouteContext, decisions: list[tuple[str, str, bool]]
) -> None:
    if action_of(route) in PUBLIC:
        pytest.skip("open to everybody")
    ask(world, route, world.token("machine", "nothing.at-all"))
    assert [allowed for _, _, allowed in decisions] == [False]
