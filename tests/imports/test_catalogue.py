"""The open catalogue itself, course by course, and what the reader of a catalogue refuses."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import yaml

from contracts.errors import Misconfigured, Rejected
from imports.catalogue.definition import Course, read
from imports.catalogue.importer import FOLDER

CATALOGUE = read(FOLDER)
EVERY_COURSE = pytest.mark.parametrize("course", CATALOGUE.courses, ids=lambda course: course.slug)


def test_it_has_thirty_courses_hundreds_of_items_and_two_dozen_people() -> None:
    assert len(CATALOGUE.courses) >= 30
    assert sum(len(course.items) for course in CATALOGUE.courses) >= 350
    assert len(CATALOGUE.people) == 24


@EVERY_COURSE
def test_a_course_is_worth_taking(course: Course) -> None:
    assert 10 <= len(course.items) <= 14
    assert 1 <= len(course.assessments) <= 2
    assert 2 <= len(course.tags) <= 6
    assert sum(item.required for item in course.items) >= 8
    assert 90 <= sum(item.minutes for item in course.items) <= 360
    assert len({item.kind for item in course.items}) >= 3


@EVERY_COURSE
def test_a_description_is_two_to_four_sentences(course: Course) -> None:
    for item in course.items:
        assert 140 <= len(item.description) <= 400, item.slug
        assert item.description[-1] in ".?!", item.slug
        sentences = re.findall(r"[.?!](?=\s|$)", item.description)
        assert 2 <= len(sentences) <= 4, item.slug


def test_no_two_titles_are_the_same() -> None:
    titles = [item.title.lower() for course in CATALOGUE.courses for item in course.items]
    titles += [course.title.lower() for course in CATALOGUE.courses]
    assert len(titles) == len(set(titles))


def test_no_two_descriptions_are_alike() -> None:
    texts = {course.slug: course.description for course in CATALOGUE.courses}
    texts |= {item.slug: item.description for course in CATALOGUE.courses for item in course.items}
    shingles = {slug: shingles_of(text) for slug, text in texts.items()}
    alike = [
        (one, other)
        for one, other in itertools.combinations(shingles, 2)
        if len(shingles[one] & shingles[other]) > 0.1 * len(shingles[one] | shingles[other])
    ]
    assert not alike


def shingles_of(text: str, words: int = 3) -> set[tuple[str, ...]]:
    found = re.findall(r"\w+", text.lower())
    return {tuple(found[start : start + words]) for start in range(len(found) - words + 1)}


def test_texts_that_are_alike_are_noticed() -> None:
    one = shingles_of("Walks through the basic ideas of algebra in twelve short steps.")
    other = shingles_of("Walks through the basic ideas of geometry in twelve short steps.")
    assert len(one & other) > 0.1 * len(one | other)


def test_people_are_plainly_invented() -> None:
    assert all(person.email.endswith("@demo.learnstream.invalid") for person in CATALOGUE.people)
    roles = [person.role for person in CATALOGUE.people]
    assert {"student", "instructor", "admin"} == set(roles)


def test_every_student_has_interests_and_every_subject_has_a_student() -> None:
    students = [person for person in CATALOGUE.people if person.role == "student"]
    assert all(len(person.interests) >= 2 for person in students)
    subjects = {course.subject for course in CATALOGUE.courses}
    assert subjects == {interest for person in students for interest in person.interests}


def test_a_course_comes_after_its_prerequisites() -> None:
    place = {course.slug: number for number, course in enumerate(CATALOGUE.courses)}
    pairs = [
        (before, course.slug) for course in CATALOGUE.courses for before in course.prerequisites
    ]
    assert pairs, "some courses build on others"
    assert all(place[before] < place[after] for before, after in pairs)


PERSON = """
people:
  - {slug: ida-testwell, role: instructor, name: Ida Testwell, email: ida@test.invalid}
  - {slug: sam-testwell, role: student, name: Sam Testwell, email: sam@test.invalid,
     interests: [knots]}
"""
COURSE = """
slug: knots
title: Knots for sailors
subject: knots
level: introductory
instructor: ida-testwell
tags: [rope]
prerequisites: []
description: How to fasten a rope so that it holds and can be undone.
items:
  - slug: bowline
    kind: page
    minutes: 5
    title: The bowline
    description: A fixed loop that neither slips nor jams.
assessments:
  - {slug: knots-check, kind: quiz, title: Tie five knots}
"""


def write(folder: Path, people: str = PERSON, **courses: str) -> Path:
    (folder / "courses").mkdir()
    (folder / "people.yaml").write_text(people, encoding="utf-8")
    for name, text in courses.items():
        (folder / "courses" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_small_catalogue_is_read(tmp_path: Path) -> None:
    catalogue = read(write(tmp_path, knots=COURSE))
    assert [course.slug for course in catalogue.courses] == ["knots"]
    assert catalogue.courses[0].items[0].required


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("minutes: 5", "minutes: 0", "items[0] (bowline).minutes: "),
        ("minutes: 5", "minutes: five", "items[0] (bowline).minutes: "),
        ("kind: page", "kind: hologram", "items[0] (bowline).kind: "),
        ("kind: page", "kind: page\n    author: x", "items[0] (bowline).author: "),
        ("kind: page", "kind: page\n    kind: video", "'kind' is there twice"),
        ("tags: [rope]", "tags: []", "tags: "),
        ("tags: [rope]", "tags: [no]", "tags[0]: "),
        ("level: introductory", "level: easy", "level: "),
        ("slug: bowline", "slug: Bow Line", "items[0] (Bow Line).slug: "),
        ("slug: knots-check", "slug: bowline", "slug 'bowline': "),
        ("slug: knots\n", "slug: knits\n", "slug: is 'knits', but the file is named 'knots'"),
        ("instructor: ida", "instructor: eve", "has no instructor 'eve-testwell'"),
        ("instructor: ida", "instructor: sam", "has no instructor 'sam-testwell'"),
        ("prerequisites: []", "prerequisites: [splices]", "there is no course 'splices'"),
        ("prerequisites: []", "prerequisites: [knots]", "knots → knots is a circle"),
        ("slug: knots\n", "slug: [\n", "not YAML"),
        (COURSE, "just words", "the file: "),
    ],
)
def test_a_mistake_is_refused_by_file_and_field(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in COURSE
    with pytest.raises(Rejected) as refusal:
        read(write(tmp_path, knots=COURSE.replace(old, new, 1)))
    assert str(refusal.value).startswith(f"{tmp_path}/courses/knots.yaml: ")
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("sam@test", "Ida@test", "email: 'ida@test.invalid' is there twice"),
        ("slug: sam", "slug: ida", "slug: 'ida-testwell' is there twice"),
        ("interests: [knots]", "interests: [knits]", "no course has the subject 'knits'"),
        ("role: student", "role: admin", "only a student has interests"),
        ("role: student", "role: captain", "people[1] (sam-testwell).role: "),
        ("sam@test.invalid", "sam", "people[1] (sam-testwell).email: "),
    ],
)
def test_a_mistake_among_people_is_refused(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in PERSON
    with pytest.raises(Rejected) as refusal:
        read(write(tmp_path, PERSON.replace(old, new, 1), knots=COURSE))
    assert str(refusal.value).startswith(f"{tmp_path}/people.yaml: ")
    assert complaint in str(refusal.value)


def test_an_item_may_not_be_in_two_courses(tmp_path: Path) -> None:
    other = COURSE.replace("slug: knots\n", "slug: rigging\n", 1)
    with pytest.raises(Rejected, match=r"rigging\.yaml: slug 'bowline': also in knots\.yaml"):
        read(write(tmp_path, knots=COURSE, rigging=other))


def test_a_folder_without_a_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"a catalogue is a folder with people\.yaml"):
        read(tmp_path)


def test_the_files_are_plain_yaml_that_anybody_can_read() -> None:
    for path in (FOLDER / "courses").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text)["slug"] == path.stem
        assert max(map(len, text.splitlines())) <= 100, path.name
