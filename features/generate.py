"""The catalogue of features as a page."""

from __future__ import annotations

from pathlib import Path

from features.catalogue import SERVICES, VIEWS, WINDOW_VIEWS

PAGE = Path("docs/generated/features.md")


def generate() -> dict[Path, str]:
    """``docs/generated/features.md``, by path relative to the repository."""
    lines = [
        "# Features",
        "",
        "Made by `./learnstream generate` from the views in `features/views`; edit those.",
    ]
    for view in VIEWS.values():
        lines += ["", f"## {view.name}", "", f"{view.about}. Entity `{view.entity.name}`, "]
        lines[-1] += f"key `{view.entity.join_key}`; history in `features.{view.name}`."
        if view.trail is not None:
            lines[-1] += f" The last {view.trail.length} `{view.trail.member}` are kept as a trail."
        lines += ["", "| feature | type | meaning |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {type_} | {view.meanings.get(name, '')} |"
            for name, type_ in view.features.items()
        ]
    for window_view in WINDOW_VIEWS.values():
        lines += ["", f"## {window_view.name}", "", f"{window_view.about}. Entity "]
        lines[-1] += f"`{window_view.entity.name}`, key "
        lines[-1] += ", ".join(f"`{key}`" for key in window_view.entity.keys)
        lines[-1] += f"; merged from `{window_view.tiles.name}` as of the moment of asking"
        if window_view.relative:
            lines[-1] += ", compared with the course (`features/relative.py`)"
        lines[-1] += f"; owner {window_view.owner}; fresh within {window_view.freshness_s:g} s."
        lines += ["", "| feature | type | unit | window | expression | meaning |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [
            f"| `{name}` | {one.type} | {one.unit} | {one.window} | `{one.expression}` "
            f"| {one.about} |"
            for name, one in window_view.features.items()
        ]
    lines += ["", "## Services", "", "| service | reads |", "|---|---|"]
    lines += [
        f"| `{service.name}` | "
        + ", ".join(f"`{view}:{one}`" for view, names in service.reads.items() for one in names)
        + " |"
        for service in SERVICES
    ]
    return {PAGE: "\n".join(lines) + "\n"}
