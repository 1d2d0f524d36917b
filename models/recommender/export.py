"""The ranker as ONNX, refused unless it scores as the fitted model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.pipeline import Pipeline

from contracts.errors import Rejected
from features.recommender.candidates import FEATURES
from features.recommender.tables import Floats

TOLERANCE = 1e-4
"""ONNX computes in 32 bits, the fitted model in 64."""


def write_ranker(ranker: Pipeline, path: Path) -> None:
    """Write ``path``: input ``features`` (n × features), output ``probabilities`` (n × 2)."""
    example = np.zeros((1, len(FEATURES)), dtype=np.float32)
    final = ranker.steps[-1][1]
    model = to_onnx(
        ranker,
        example,
        options={id(final): {"zipmap": False}},
        target_opset=17,
    )
    model.graph.name = "recommender"
    path.write_bytes(model.SerializeToString())
    rng = np.random.default_rng(1)
    scaler = ranker.steps[0][1]
    spread = rng.normal(size=(512, len(FEATURES))) * scaler.scale_ * 2 + scaler.mean_
    sample = spread.astype(np.float32)
    worst = float(np.abs(score(path, sample) - ranker.predict_proba(sample)[:, 1]).max())
    if worst > TOLERANCE:
        raise Rejected(f"the exported ranker differs by {worst:.2g} from the fitted one")


def score(path: Path, x: Floats) -> Floats:
    """Probabilities that the ONNX file at ``path`` gives for ``x``."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options)
    [given] = session.get_inputs()
    probabilities: Floats = session.run(["probabilities"], {given.name: x})[0]
    return probabilities[:, 1]
