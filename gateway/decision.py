"""Whether a caller may do something: the Cedar policies of all contexts, asked once per situation.

A situation is all a decision depends on: kind, roles and permissions of the caller, the action,
the kind of resource and its attributes. It has no ids in it, so there are few, and the answers are
kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from cedarpy import Decision, PolicySet, is_authorized

from contracts.errors import Misconfigured
from gateway.caller import Caller, Kind
from stack.profile import REPOSITORY

FOLDERS = ("core_lms/*", "serving", "dashboards", "gateway")
"""Where policies lie: one set for all processes."""
KEPT = 20_000
"""Answers remembered."""

UNNAMED = "anything"
"""An action that no policy names."""

_PRINCIPALS: dict[Kind, str] = {
    "person": "User",
    "machine": "Machine",
    "service": "Service",
    "anonymous": "Anonymous",
}
_named_action = re.compile(r'Action::"([^"]+)"')
_permits = re.compile(r"^permit\s*\(([^)]*)\)([^;]*);", re.MULTILINE).findall
_asks_facts = re.compile(r"\b(principal|resource|context)\.").search
_to_anybody = re.compile(r"\s*principal\s*(,|is Anonymous)").match


def policy_files() -> list[Path]:
    """``policies.cedar`` of every context and process that has one."""
    return sorted(
        path for folder in FOLDERS for path in REPOSITORY.glob(f"{folder}/policies.cedar")
    )


@cache
def policies() -> PolicySet:
    """Raises ``Misconfigured`` with the file whose policies do not parse."""
    for path in policy_files():
        try:
            PolicySet.from_str(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise Misconfigured(f"{path}: {error}", path=path) from error
    return PolicySet.from_str(
        "\n".join(path.read_text(encoding="utf-8") for path in policy_files())
    )


@cache
def named_actions() -> frozenset[str]:
    """Every action that some policy names."""
    texts = (path.read_text(encoding="utf-8") for path in policy_files())
    return frozenset(name for text in texts for name in _named_action.findall(text))


@cache
def open_actions() -> dict[str, Literal["to all", "to some"]]:
    """Every action that a policy permits to whoever asks, without credentials.

    ``to some``: only under a condition that the policy names (an address that we signed).
    """
    found: dict[str, Literal["to all", "to some"]] = {}
    for path in policy_files():
        for head, condition in _permits(path.read_text(encoding="utf-8")):
            if _to_anybody(head):
                for name in _named_action.findall(head):
                    asks = _asks_facts(condition)  # else at most which kind of resource it is
                    found[name] = "to some" if asks else "to all"
    return found


RIGHTS: dict[str, Right] = {}
"""Every right by its action, filled as the modules that ask for one are imported."""


class Right:
    """An action that no route is about: something more that a caller may do or see in passing.

    ``GIVES_HISTORY = Right("history.write")`` beside the service that asks; the policies decide, as
    they do for a route. ``Unit.may`` asks about what the unit is about.
    """

    def __init__(self, action: str) -> None:
        self.action = action
        RIGHTS[action] = self

    def of(
        self, caller: Caller, kind: str = "Institution", facts: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether ``caller`` has it, by default anywhere in their institution."""
        return allowed(caller, self.action, kind, facts or {})


def allowed(
    caller: Caller, action: str, kind: str, facts: Mapping[str, Any], fresh: bool | None = None
) -> bool:
    """Whether ``caller`` may do ``action`` to a resource of ``kind`` with these ``facts``."""
    attributes = json.dumps(
        {name: _cedar(value) for name, value in sorted(facts.items()) if value is not None}
    )
    return _decide(
        caller.kind,
        caller.roles,
        # A person's list follows from the roles; leaving it out keeps situations few.
        caller.permissions if caller.kind == "machine" else frozenset(),
        caller.fresh() if fresh is None else fresh,
        caller.service is not None,
        caller.on_behalf_of is not None,
        action,
        kind,
        attributes,
    )


@lru_cache(maxsize=KEPT)
def _decide(
    kind: Kind,
    roles: frozenset[str],
    permissions: frozenset[str],
    fresh: bool,
    service: bool,
    on_behalf: bool,
    action: str,
    resource: str,
    attributes: str,
) -> bool:
    principal = {"type": _PRINCIPALS[kind], "id": "caller"}
    about = {"type": resource, "id": "this"}
    answer = is_authorized(
        {
            "principal": principal,
            "action": {"type": "Action", "id": action},
            "resource": about,
            "context": {"action": action, "fresh": fresh},
        },
        policies(),
        [
            {
                "uid": principal,
                "attrs": {
                    "roles": sorted(roles),
                    "permitted": _covers(permissions, action),
                    "service": service,
                    "on_behalf": on_behalf,
                },
                "parents": [],
            },
            {"uid": about, "attrs": {"relations": []} | json.loads(attributes), "parents": []},
        ],
    )
    return bool(answer.decision is Decision.Allow)


def _covers(permissions: frozenset[str], action: str) -> bool:
    """Whether one of ``course.read``, ``course.*`` and ``*`` among them names the action."""
    noun = action.partition(".")[0]
    return not permissions.isdisjoint({action, f"{noun}.*", "*"})


def _cedar(value: Any) -> Any:
    """Cedar knows booleans, whole numbers, text and sets."""
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(map(_cedar, value))
    return str(value)


@lru_cache(maxsize=256)
def permissions_of(roles: frozenset[str]) -> tuple[str, ...]:
    """The actions that people of these roles may do somewhere in their institution.

    Asked of the policies themselves, with a resource to which the person is nothing in particular:
    a client offers what is in it; whatever hangs on a relationship is decided when it is tried.
    Who may do even what no policy names may do everything: ``*``.
    """
    person = Caller("person", "", user_id="", roles=roles)
    if allowed(person, UNNAMED, "Institution", {}, fresh=True):
        return ("*",)
    return tuple(
        action
        for action in sorted(named_actions())
        if allowed(person, action, "Institution", {}, fresh=True)
    )
