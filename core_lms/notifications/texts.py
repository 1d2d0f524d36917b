"""Texts by language: Jinja templates of a subject and a body, and the HTML a mail wraps them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text with ``{{ facts }}``; a body's paragraphs are separated by an empty line."""

    subject: str
    body: str
    action: str = ""
    """What the link says; empty where there is no link."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Plain text, not escaped: whoever puts it into HTML escapes it."""

    language: str
    subject: str
    body: str
    action: str


@cache
def _plain() -> Environment:
    # The result is plain text; the HTML template escapes it as a whole.
    return Environment(undefined=StrictUndefined, autoescape=False)


@cache
def _html() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _template(source: str) -> Template:
    return _plain().from_string(source)


def pick(texts: Mapping[str, Text], *wanted: str | None) -> str:
    """The first wanted language there is a text in (``de-AT`` is read as ``de``), else English."""
    for language in wanted:
        short = (language or "").split("-")[0].lower()
        if short in texts:
            return short
    return "en"


def render(texts: Mapping[str, Text], language: str, facts: Mapping[str, Any]) -> Rendered:
    """``facts`` must have every name the template uses."""
    text = texts[language]
    subject = _template(text.subject).render(facts)
    return Rendered(
        language,
        " ".join(subject.split()),  # one line: it becomes a header
        _template(text.body).render(facts).strip(),
        text.action,
    )


def page(name: str, **values: Any) -> str:
    """One of our HTML templates, everything in it escaped."""
    return _html().get_template(name).render(**values)
