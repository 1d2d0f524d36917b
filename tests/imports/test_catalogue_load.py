"""Loading the whole catalogue into a real LMS database, in an institution of this test's own."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.envelope import decode
from contracts.errors import Rejected
from contracts.ids import named_id, new_id
from imports.catalogue.definition import read
from imports.catalogue.importer import FOLDER
from imports.catalogue.load import ITEMS_A_WEEK, Loaded, load
from stack.postgres import connect_lms

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Installed:
    """A catalogue of its own in an institution of its own, so that tests never meet."""

    folder: Path
    institution: str
    connection: psycopg.Connection[Any]

    def load(self) -> Loaded:
        return asyncio.run(load(read(self.folder), self.institution))

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def events(self) -> list[tuple[str, str, str]]:
        """Topic, key and message of what waits in the outbox."""
        return self.connection.execute(
            "SELECT topic, key, message FROM outbox WHERE message LIKE %s ORDER BY id",
            [f'%"institution_id":"{self.institution}"%'],
        ).fetchall()

    def count(self, table: str) -> int:
        row = self.connection.execute(
            f"SELECT count(*) FROM {table} WHERE institution_id = %s", [self.institution]
        ).fetchone()
        assert row
        return int(row[0])


@pytest.fixture
def installed(stack: object, tmp_path: Path) -> Iterator[Installed]:
    institution = new_id()
    folder = tmp_path / "catalogue"
    shutil.copytree(FOLDER, folder)
    with connect_lms(autocommit=True) as connection:
        yield Installed(folder, institution, connection)


def test_all_of_it_arrives_and_is_published(installed: Installed) -> None:
    loaded = installed.load()
    catalogue = read(installed.folder)
    items = sum(len(course.items) for course in catalogue.courses)
    work = sum(len(course.assessments) for course in catalogue.courses)
    people, courses = len(catalogue.people), len(catalogue.courses)
    weeks = sum(-(-len(course.items) // ITEMS_A_WEEK) for course in catalogue.courses)
    described = courses + weeks + items + work
    events = people + 2 * courses + work + described
    assert loaded == Loaded(people + described, 0, events)
    assert installed.count("users") == installed.count("user_roles") == people
    assert installed.count("courses") == courses
    assert installed.count("course_modules") == weeks
    assert installed.count("content_items") == items
    assert installed.count("assessments") == work
    published = Counter(
        decode(topic, message.encode()).event_type for topic, _, message in installed.events()
    )
    expected = {
        "user.created": people,
        "course.created": courses,
        "course.published": courses,
        "assessment.created": work,
        "course.described": courses,
        "module.described": weeks,
        "item.described": items,
        "assessment.described": work,
    }
    assert published == expected


def test_loading_twice_changes_nothing_and_publishes_nothing(installed: Installed) -> None:
    installed.load()
    before = installed.events(), snapshot(installed)
    assert installed.load() == Loaded(0, 0, 0)
    assert (installed.events(), snapshot(installed)) == before


def snapshot(installed: Installed) -> list[Any]:
    """Every row of the institution, with its ``xmin``: even an update to the same shows."""
    tables = ("users", "user_roles", "courses", "course_modules", "content_items", "assessments")
    return [
        installed.connection.execute(
            f"SELECT xmin::text, t.* FROM {table} t WHERE institution_id = %s ORDER BY id",
            [installed.institution],
        ).fetchall()
        for table in tables
    ]


def test_names_and_addresses_stay_in_the_lms(installed: Installed) -> None:
    installed.load()
    messages = "\n".join(message for _, _, message in installed.events())
    assert installed.institution in messages
    assert "@" not in messages
    for person in read(installed.folder).people:
        assert person.name not in messages
        assert person.slug not in messages


def test_a_new_text_of_an_item_updates_its_course_and_nothing_else(installed: Installed) -> None:
    installed.load()
    first = len(installed.events())
    installed.edit("courses/calculus.yaml", "What a limit says", "What a limit tells us")
    assert installed.load() == Loaded(0, 1, 2)
    (topic, key, message), (*_, described) = installed.events()[first:]
    calculus = named_id(installed.institution, "catalogue", "course", "calculus")
    assert (topic, key) == ("lms.courses.events", calculus)
    assert json.loads(message)["event_type"] == "course.updated"
    assert json.loads(described)["event_type"] == "item.described"
    assert json.loads(described)["payload"]["title"] == "What a limit tells us"
    assert json.loads(described)["payload"]["revision"] == 2
    title = installed.connection.execute(
        "SELECT title FROM content_items WHERE course_id = %s AND position = 0", [calculus]
    ).fetchone()
    assert title == ("What a limit tells us",)


def test_a_course_that_changes_in_many_places_is_told_of_once_and_its_work_too(
    installed: Installed,
) -> None:
    installed.load()
    first = len(installed.events())
    installed.edit("courses/calculus.yaml", "Calculus: change", "Calculus: rates of change")
    installed.edit("courses/calculus.yaml", "minutes: 14", "minutes: 15")
    installed.edit("courses/calculus.yaml", "final quiz", "the last quiz")
    assert installed.load() == Loaded(0, 3, 4)
    published = [json.loads(message)["event_type"] for _, _, message in installed.events()[first:]]
    assert published[:2] == ["course.updated", "assessment.updated"]
    assert sorted(published[2:]) == ["assessment.described", "course.described"]


def test_a_changed_person_is_told_of_without_the_change(installed: Installed) -> None:
    installed.load()
    first = len(installed.events())
    installed.edit("people.yaml", "name: Bram Thistledown", "name: Bram Thistleup")
    assert installed.load() == Loaded(0, 1, 1)
    [(topic, _, message)] = installed.events()[first:]
    envelope = json.loads(message)
    assert (topic, envelope["event_type"]) == ("lms.users.events", "user.updated")
    assert set(envelope["payload"]) == {"user_id", "role", "status"}


def test_a_suspended_account_and_an_archived_course_stay_so(installed: Installed) -> None:
    installed.load()
    for table, status in (("users", "suspended"), ("courses", "archived")):
        installed.connection.execute(
            f"UPDATE {table} SET status = %s WHERE institution_id = %s",
            [status, installed.institution],
        )
    installed.edit("people.yaml", "name: Bram Thistledown", "name: Bram Thistleup")
    installed.edit("courses/calculus.yaml", "Calculus: change", "Calculus: rates of change")
    installed.load()
    statuses = installed.connection.execute(
        "SELECT DISTINCT status FROM users WHERE institution_id = %(institution)s UNION "
        "SELECT DISTINCT status FROM courses WHERE institution_id = %(institution)s",
        {"institution": installed.institution},
    ).fetchall()
    assert sorted(statuses) == [("archived",), ("suspended",)]


def test_an_address_of_another_account_is_refused_whole_and_not_repeated(
    installed: Installed,
) -> None:
    installed.load()
    before = installed.events(), snapshot(installed)
    installed.edit("people.yaml", "slug: bram-thistledown", "slug: another-bram")
    installed.edit("people.yaml", "name: Ines Quillfeather", "name: Ines Quill")
    with pytest.raises(Rejected, match="belongs to another account") as refusal:
        installed.load()
    assert "@" not in str(refusal.value)
    assert (installed.events(), snapshot(installed)) == before


def test_two_institutions_may_have_the_same_people(installed: Installed) -> None:
    elsewhere = Installed(installed.folder, new_id(), installed.connection)
    assert installed.load() == elsewhere.load()


def test_no_name_or_address_of_a_catalogue_is_in_the_database_in_the_clear(
    installed: Installed,
) -> None:
    installed.load()
    rows = str(snapshot(installed)[0])
    for person in read(installed.folder).people:
        assert person.name not in rows
        assert person.email not in rows


def test_two_loads_at_once_tell_of_everything_once(installed: Installed) -> None:
    async def both() -> list[Loaded]:
        catalogue = read(installed.folder)
        return await asyncio.gather(*(load(catalogue, installed.institution) for _ in range(2)))

    loads = sorted(asyncio.run(both()), key=lambda loaded: loaded.events)
    assert loads[0] == Loaded(0, 0, 0)
    assert loads[1].events == len(installed.events())
