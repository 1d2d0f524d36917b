"""Register the features: tables of their history, Feast's registry, rights."""

from __future__ import annotations

import argparse

from features import registration

GROUP = "models"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace) -> None:
    done = registration.prepare()
    print("features registered" if done else "the features are registered")
