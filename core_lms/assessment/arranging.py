"""A chosen order that looks like chance and can be repeated: draws from banks, shuffled choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item")


def arranged(
    items: Iterable[Item], seed: str | None, by: Callable[[Item], object] = str
) -> list[Item]:
    """``items`` in the order of ``seed``; None: as they are.

    Each item is placed by a hash of the seed and its own name, so the order does not depend on how
    the items came, nor on any library's generator, and an item more or less moves no other.
    """
    if seed is None:
        return list(items)
    return sorted(items, key=lambda item: _place(seed, by(item)))


def drawn(
    items: Iterable[Item], count: int, seed: str, by: Callable[[Item], object] = str
) -> list[Item]:
    """``count`` of ``items``, each as likely as any other; fewer where there are fewer."""
    return arranged(items, seed, by)[:count]


def _place(seed: str, name: object) -> bytes:
    return blake2b(f"{seed}\n{name}".encode(), digest_size=16).digest()
