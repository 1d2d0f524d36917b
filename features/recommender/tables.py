"""The recommender's tables of items: which follow which, and each course's busiest.

Training writes these tables into the artefact and serving loads them; both read them with the same
functions, so a candidate is found and scored alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

RECENT = 10
"""How many of a learner's last distinct items count as recent."""
DECAY = 0.8
"""Weight of the item before, relative to the one after it."""
POPULAR_PER_COURSE = 40
POPULAR_OVERALL = 40


@dataclass(frozen=True)
class ItemTables:
    """Arrays over items, which are numbered 0…n-1 in the order of ``item_ids``.

    ``follows`` is a sparse n×n matrix by rows (``starts``, ``followers``, ``weights``): the share
    of learners' next new items after item *a* that were item *b*.
    """

    item_ids: Sequence[str]
    course_ids: Sequence[str]
    course_of: Ints
    starts: Ints
    followers: Ints
    weights: Floats
    views: Floats
    """Views when the tables were made."""
    popular: Ints
    """Busiest items overall, busiest first."""
    popular_in: Ints
    """courses × POPULAR_PER_COURSE, busiest first, -1 where a course has fewer."""
    index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {name: i for i, name in enumerate(self.item_ids)})

    def after(self, item: int) -> tuple[Ints, Floats]:
        """The items that follow ``item``, with their shares."""
        row = slice(self.starts[item], self.starts[item + 1])
        return self.followers[row], self.weights[row]

    def save(self, path: Path) -> None:
        np.savez_compressed(
            path,
            item_ids=np.array(self.item_ids, dtype="U36"),
            course_ids=np.array(self.course_ids, dtype="U36"),
            course_of=self.course_of,
            starts=self.starts,
            followers=self.followers,
            weights=self.weights,
            views=self.views,
            popular=self.popular,
            popular_in=self.popular_in,
        )

    @classmethod
    def load(cls, path: Path) -> ItemTables:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                item_ids=[str(name) for name in arrays["item_ids"]],
                course_ids=[str(name) for name in arrays["course_ids"]],
                **{
                    name: arrays[name]
                    for name in (
                        "course_of",
                        "starts",
                        "followers",
                        "weights",
                        "views",
                        "popular",
                        "popular_in",
                    )
                },
            )
