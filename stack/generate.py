"""What the stack generates: ``docs/generated/kafka-access.md`` and ``lineage.md``."""

from __future__ import annotations

from pathlib import Path

from stack import kafka_access, lineage_page
from stack.profile import REPOSITORY


def generate() -> dict[Path, str]:
    """Text of every generated file by absolute path."""
    page = (
        "# Who may do what in Kafka\n\n"
        "Made by `./learnstream generate` from `stack/kafka_access.py`; edit that. Whoever has no "
        "line here cannot connect. Read and write contain describe; a name that ends in `*` means "
        "all that begin so.\n\n"
    )
    return {
        REPOSITORY / "docs/generated/kafka-access.md": page + kafka_access.table(),
        REPOSITORY / "docs/generated/lineage.md": lineage_page.page(lineage_page.read()),
    }
