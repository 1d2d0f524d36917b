"""The live ranker: read from the artefacts, replaced without a restart when the pointer moves."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from contracts.errors import Rejected
from features.recommender.candidates import Candidates, Columns, fingerprint, matrix
from features.recommender.tables import ItemTables

log = logging.getLogger("serving")


@dataclass(frozen=True)
class Ranked:
    """Candidates of one learner with the model's probability of each being opened next."""

    candidates: Candidates
    scores: npt.NDArray[np.float32]


class Model:
    """One version: item tables and ranker. Raises ``Rejected`` if it is not for this code."""

    def __init__(self, folder: Path) -> None:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
        if manifest["fingerprint"] != fingerprint():
            raise Rejected(
                f"model {folder.name[:12]} was trained with other feature definitions "
                f"({manifest['fingerprint']}, here {fingerprint()}): learnstream train recommender"
            )
        self.version = folder.name
        self.name = f"recommender@{folder.name[:12]}"
        self.trained_until: str = manifest["trained_until"]
        self.tables = ItemTables.load(folder / "items.npz")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession((folder / "ranker.onnx").read_bytes(), options)
        [given] = self._session.get_inputs()
        self._input = given.name

    def known(self, item_ids: Iterable[str]) -> list[int]:
        """The numbers of those of the items that the tables have."""
        index = self.tables.index
        return [index[item_id] for item_id in item_ids if item_id in index]

    def rank(
        self, recent: Sequence[int], found: Candidates, learner: Columns, items: Columns
    ) -> Ranked:
        """Rank candidates by what ``features.recommender.candidates.matrix`` makes of these."""
        if not len(found.items):
            return Ranked(found, np.empty(0, dtype=np.float32))
        x = matrix(self.tables, recent, found, learner, items)
        scores = self._session.run(["probabilities"], {self._input: x})[0][:, 1]
        return Ranked(found, scores)


class LiveModel:
    """Follows ``live`` under ``root``; ``current`` is None while there is no usable model."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tried: str | None = None
        self.current: Model | None = None
        self.problem: str | None = "no model has been promoted: learnstream train recommender"

    def refresh(self) -> bool:
        """Load the version the pointer names, if it is another; returns whether it changed.

        A version that cannot be loaded leaves the one before it in place.
        """
        try:
            version = (self._root / "live").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return False
        if version == self._tried:
            return False
        self._tried = version
        try:
            self.current = Model(self._root / version)
        except (OSError, ValueError, KeyError, Rejected) as error:
            self.problem = str(error)
            log.warning("model %s cannot be used: %s", version[:12], error)
            return False
        self.problem = None
        log.info("model %s is live, trained until %s", version[:12], self.current.trained_until)
        return True
