"""The live ranker: read from the artefacts, replaced without a restart when the pointer moves."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from contracts.errors import Rejected
from features.recommender.candidates import Candidates, Learner, fingerprint, gather, matrix
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

    def rank(
        self,
        *,
        recent: Sequence[str],
        finished: Collection[str],
        events_total: int,
        last_seen_s: float,
        views_total: npt.NDArray[np.float64],
        last_viewed_s: npt.NDArray[np.float64],
    ) -> Ranked:
        """Rank what the tables offer; views and times are over all items of the tables."""
        index = self.tables.index
        known = [index[item_id] for item_id in recent if item_id in index]
        exclude = [index[item_id] for item_id in finished if item_id in index]
        found = gather(self.tables, known, exclude)
        if not len(found.items):
            return Ranked(found, np.empty(0, dtype=np.float32))
        learner = Learner(known, events_total, last_seen_s)
        x = matrix(
            self.tables, learner, found, views_total[found.items], last_viewed_s[found.items]
        )
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
