"""What serving's routes use: made once when the process starts (``app.py``)."""

from __future__ import annotations

from dataclasses import dataclass

from serving.catalogue import Catalogue
from serving.feedback import Feedback, Outlet
from serving.model import LiveModel
from serving.recommend import Recommender
from serving.relations import Relations
from serving.semantic import SemanticIndex
from serving.settings import ServingSettings
from serving.signals import SignalReader


@dataclass(frozen=True)
class Components:
    """One process's catalogue, model, index and clients, shared by all requests."""

    settings: ServingSettings
    catalogue: Catalogue
    live: LiveModel
    index: SemanticIndex
    signals: SignalReader
    recommender: Recommender
    feedback: Feedback
    outlet: Outlet
    relations: Relations
