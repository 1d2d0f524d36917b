"""The catalogue: importing this package imports every module in it, one per topic."""

import importlib
import pkgutil

from contracts.event import EVENTS

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

LEARNER_ACTIONS = tuple(type_ for type_, cls in EVENTS.items() if cls.LEARNER_ACTION)
"""The types of what a learner does: sessions and active days are made of these events."""
