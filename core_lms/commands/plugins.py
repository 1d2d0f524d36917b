"""List what is plugged in (importers, channels, providers), and what fails."""

from __future__ import annotations

import argparse

from core_lms.plugins import found_at, points, refuse

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: built-ins and every installed package are looked at."""


def run(args: argparse.Namespace) -> int:
    """Exit status 1 names the faults again; the LMS does not start with them."""
    found = {point: found_at(point) for point in points()}
    for point, members in found.items():
        print(f"{point.group}  {point.about}".rstrip())
        width = max((len(plugin.name) for plugin in members), default=0)
        for plugin in members:
            print(f"  {plugin.name:<{width}}  {plugin.fault or plugin.origin}")
    refuse(plugin for members in found.values() for plugin in members)
    return 0
