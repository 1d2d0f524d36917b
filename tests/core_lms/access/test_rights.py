"""Every right beside the routes' actions, asked for everybody; its row is in an ``access.csv``."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from core_lms.content.resource import Item
from core_lms.courses.resource import Course
from core_lms.units import transaction
from core_lms.users.resource import Person
from gateway.caller import Caller, anonymous
from gateway.decision import RIGHTS
from gateway.resource import Institution, Resource
from stack.postgres import PostgresSettings, pool
from stack.profile import REPOSITORY
from tests.core_lms.access.test_table import table
from tests.core_lms.access.world import CALLERS, World, make

ROWS = [name for name in table() if name.split()[0] in RIGHTS]


def test_every_right_has_a_row() -> None:
    assert {name.split()[0] for name in ROWS} == set(RIGHTS)


def test_no_service_names_a_role_to_decide_by() -> None:
    """Who may do what is in the policies; a service asks them (``Unit.may``)."""
    named = re.compile(
        r"""["'](admin|instructor|student)@|@(institution|global)["']|caller\.roles"""
    )
    folder = REPOSITORY / "core_lms"
    found = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if named.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"access/operator.py"}, "the operator's own tokens carry a role; nothing else"


@pytest.fixture(scope="module")
def world(module_lms: Any) -> World:
    return make(module_lms)


def who(world: World, column: str, action: str) -> Caller:
    institution = world.lms.institution_id
    if column == "anonymous":
        return anonymous(institution)
    if column == "machine":
        return Caller("machine", institution, permissions=frozenset({action}), name="machine/robot")
    role = {"admin": "admin", "instructor": "instructor", "other_instructor": "instructor"}
    return Caller(
        "person",
        institution,
        user_id=world.people[column],
        roles=frozenset({f"{role.get(column, 'student')}@institution"}),
    )


def about(world: World, kind: str) -> Resource:
    ids = world.ids
    return {
        "Institution": Institution(),
        "Course": Course(ids["course_id"]),
        "Item": Item(ids["item_id"], ids["course_id"]),
        "Person": Person(ids["user_id"]),
    }[kind]


async def _facts(caller: Caller, resource: Resource) -> dict[str, Any]:
    async with (
        pool(PostgresSettings().app_url) as database,
        transaction(database, caller, about=resource) as unit,
    ):
        return dict(unit.facts)


@pytest.mark.integration
@pytest.mark.parametrize("row", ROWS)
def test_everybody_has_the_rights_that_the_table_says_and_no_others(world: World, row: str) -> None:
    action, _, kind = row.partition(" ")
    kind = kind or "Institution"
    seen = {}
    for column in CALLERS:
        caller = who(world, column, action)
        facts = asyncio.run(_facts(caller, about(world, kind)))
        right = RIGHTS[action].of(caller, kind, facts)
        seen[column] = "allow" if right else "deny"
    assert seen == table()[row]
