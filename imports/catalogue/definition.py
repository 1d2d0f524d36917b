"""What a catalogue is: people and courses as YAML files, read strictly and checked as a whole."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from contracts.errors import Misconfigured, Rejected

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Title = Annotated[str, Field(min_length=3, max_length=200)]
Text = Annotated[str, Field(min_length=20, max_length=2000)]
Word = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=40)]
Minutes = Annotated[int, Field(ge=1, le=600)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=255)]
Kind = Literal["page", "video", "document", "quiz", "forum", "external"]


class Strict(BaseModel):
    """No unknown keys, no conversions: a YAML ``no`` is not a title."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Person(Strict):
    """An account that the catalogue brings; ``interests`` are subjects of its courses."""

    slug: Slug
    role: Literal["student", "instructor", "admin"]
    name: Title
    email: Email
    interests: list[Word] = []

    @field_validator("interests")
    @classmethod
    def _of_students(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if value and info.data.get("role") not in (None, "student"):
            raise ValueError("only a student has interests")
        return value


class Item(Strict):
    """Something to open; its place in the file is its position in the course."""

    slug: Slug
    kind: Kind
    minutes: Minutes
    required: bool = True
    title: Title
    description: Text


class Assessment(Strict):
    """Work that is handed in and graded."""

    slug: Slug
    kind: Literal["quiz"]
    title: Title


class Course(Strict):
    """One file of ``courses/``."""

    slug: Slug
    title: Title
    subject: Word
    level: Literal["introductory", "intermediate", "advanced"]
    instructor: Slug
    tags: Annotated[list[Word], Field(min_length=1)]
    prerequisites: list[Slug]
    description: Text
    items: Annotated[list[Item], Field(min_length=1)]
    assessments: list[Assessment]


class People(Strict):
    """The file ``people.yaml``."""

    people: list[Person]


class Catalogue(Strict):
    """Everything under one folder, every reference of it resolved."""

    people: list[Person]
    courses: list[Course]


def read(folder: Path) -> Catalogue:
    """Read ``people.yaml`` and ``courses/*.yaml``.

    Raises ``Misconfigured`` where the folder holds no catalogue and ``Rejected``, naming file and
    field, for the first thing wrong with one.
    """
    people_file, course_files = folder / "people.yaml", sorted(folder.glob("courses/*.yaml"))
    if not people_file.is_file() or not course_files:
        raise Misconfigured(
            f"{folder}: a catalogue is a folder with people.yaml and courses/<slug>.yaml",
            path=folder,
        )
    people = _parse(People, people_file).people
    courses = {path: _parse(Course, path) for path in course_files}
    _check_people(people_file, people, {course.subject for course in courses.values()})
    _check_courses(courses, {person.slug for person in people if person.role == "instructor"})
    return Catalogue(people=people, courses=_in_order(courses))


M = TypeVar("M", bound=Strict)


def _parse(model: type[M], path: Path) -> M:
    try:
        # StrictLoader is a SafeLoader (libyaml's, ten times as fast).
        content = yaml.load(path.read_text(encoding="utf-8"), StrictLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _wrong(path, f"not YAML: {error}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(path, f"{_place(content, first['loc'])}: {first['msg']}") from None


def _place(content: object, location: Iterable[int | str]) -> str:
    """``items[3] (slug).minutes``: where a person finds it."""
    words = ""
    for step in location:
        try:
            content = content[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            content = None
        words += f"[{step}]" if isinstance(step, int) else f".{step}"
        if isinstance(step, int) and isinstance(content, dict) and "slug" in content:
            words += f" ({content['slug']})"
    return words.lstrip(".") or "the file"


def _check_people(path: Path, people: list[Person], subjects: set[str]) -> None:
    _once(path, "slug", (person.slug for person in people))
    _once(path, "email", (person.email.lower() for person in people))
    for person in people:
        for interest in person.interests:
            if interest not in subjects:
                raise _wrong(
                    path, f"{person.slug}.interests: no course has the subject {interest!r}"
                )


def _check_courses(courses: dict[Path, Course], instructors: set[str]) -> None:
    seen: dict[str, Path] = {}
    known = {course.slug for course in courses.values()}
    for path, course in courses.items():
        if course.slug != path.stem:
            raise _wrong(path, f"slug: is {course.slug!r}, but the file is named {path.stem!r}")
        if course.instructor not in instructors:
            raise _wrong(path, f"instructor: people.yaml has no instructor {course.instructor!r}")
        for slug in _slugs(course):
            if slug in seen:
                raise _wrong(path, f"slug {slug!r}: also in {seen[slug].name}; it must be unique")
            seen[slug] = path
        for number, before in enumerate(course.prerequisites):
            if before not in known:
                raise _wrong(path, f"prerequisites[{number}]: there is no course {before!r}")


def _slugs(course: Course) -> Iterator[str]:
    yield from (item.slug for item in course.items)
    yield from (assessment.slug for assessment in course.assessments)


def _in_order(courses: dict[Path, Course]) -> list[Course]:
    """Courses after their prerequisites."""
    by_slug = {course.slug: course for course in courses.values()}
    graph = {course.slug: course.prerequisites for course in courses.values()}
    try:
        return [by_slug[slug] for slug in graphlib.TopologicalSorter(graph).static_order()]
    except graphlib.CycleError as error:
        circle = error.args[1]
        path = next(path for path, course in courses.items() if course.slug == circle[0])
        raise _wrong(path, f"prerequisites: {' → '.join(reversed(circle))} is a circle") from None


def _once(path: Path, field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _wrong(path, f"{field}: {value!r} is there twice")
        seen.add(value)


def _wrong(path: Path, what: str) -> Rejected:
    return Rejected(f"{path}: {what}", path=path)


class StrictLoader(yaml.CSafeLoader):
    """YAML lets a key come twice and keeps the last one; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", node.value[number][0].start_mark
                )
        return super().construct_mapping(node, deep)
