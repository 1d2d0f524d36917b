"""The seven tables of OULAD: their columns, and what may be missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an official file: its DuckDB type and whether a row may leave it out."""

    name: str
    type: str
    optional: bool = False


def _column(text: str) -> Column:
    name, type_ = text.split()
    return Column(name, type_.rstrip("?"), type_.endswith("?"))


def _columns(*texts: str) -> tuple[Column, ...]:
    return tuple(map(_column, texts))


_PRESENTATION = ("code_module VARCHAR", "code_presentation VARCHAR")

TABLES: dict[str, tuple[Column, ...]] = {
    "courses": _columns(*_PRESENTATION, "module_presentation_length BIGINT"),
    "assessments": _columns(
        *_PRESENTATION,
        "id_assessment BIGINT",
        "assessment_type VARCHAR",
        "date BIGINT?",  # an exam without a date is held at the end of the presentation
        "weight DOUBLE",
    ),
    "vle": _columns(
        "id_site BIGINT",
        *_PRESENTATION,
        "activity_type VARCHAR",
        "week_from BIGINT?",
        "week_to BIGINT?",
    ),
    "studentInfo": _columns(*_PRESENTATION, "id_student BIGINT", "final_result VARCHAR"),
    "studentRegistration": _columns(
        *_PRESENTATION,
        "id_student BIGINT",
        "date_registration BIGINT?",
        "date_unregistration BIGINT?",
    ),
    "studentAssessment": _columns(
        "id_assessment BIGINT",
        "id_student BIGINT",
        "date_submitted BIGINT",
        "is_banked BIGINT",
        "score DOUBLE?",
    ),
    "studentVle": _columns(
        *_PRESENTATION,
        "id_student BIGINT",
        "id_site BIGINT",
        "date BIGINT",
        "sum_click BIGINT",
    ),
}
"""The columns we read, by table (= file name without suffix); a file may have more."""
