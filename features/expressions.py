"""Expressions of windowed features: arithmetic over windows of tiles, evaluated for many at once.

``events_7d``, ``days_28d``, ``streak_days`` and the like are what ``features.windows.Merged.value``
knows; besides ``+ - *`` and numbers there are ``ratio(a, b)``, which is null where b is 0, and
``hours_since(moment)``, which is never below 0. Null goes on through everything.

Of a learner in a course also ``features.relative.FACTS``, and ``percentile(measure)``,
``median(measure)`` and ``mean(measure)``: where the learner's own value lies, and what is usual,
among the learners of the course, of any expression.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache
from typing import cast

import numpy as np

from contracts.errors import Misconfigured
from features.relative import PEERS, InCourse
from features.windows import Floats, Merged

Expression = Callable[[Merged], Floats]


def _ratio(_: Merged, over: Floats, under: Floats) -> Floats:
    found: Floats = np.divide(over, np.where(under == 0, np.nan, under))
    return found


def _hours_since(merged: Merged, moment: Floats) -> Floats:
    found: Floats = np.maximum((merged.value("at") - moment) / 3600, 0)
    return found


_FUNCTIONS: Mapping[str, Callable[..., Floats]] = {"ratio": _ratio, "hours_since": _hours_since}
_OPERATORS: Mapping[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
}


@cache
def compiled(text: str) -> Expression:
    """The expression as a function. Raises ``Misconfigured`` for anything but the above."""
    try:
        return _compiled(ast.parse(text, mode="eval").body)
    except (SyntaxError, KeyError, ValueError) as error:
        raise Misconfigured(f"no expression of a feature: {text!r} ({error})") from error


def names(text: str) -> set[str]:
    """What of ``Merged.value`` the expression reads."""
    tree = ast.parse(text, mode="eval")
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found - _FUNCTIONS.keys() - PEERS.keys()


def measures(text: str) -> set[str]:
    """What the expression compares with the learners of the course."""
    return {
        ast.unparse(node.args[0])
        for node in ast.walk(ast.parse(text, mode="eval"))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PEERS
    }


def _compiled(node: ast.expr) -> Expression:
    if isinstance(node, ast.Name):
        name = node.id
        return lambda merged: merged.value(name)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        number = float(node.value)
        return lambda merged: np.full(len(merged.known), number)
    if isinstance(node, ast.BinOp):
        operator = _OPERATORS[type(node.op)]
        left, right = _compiled(node.left), _compiled(node.right)
        return lambda merged: operator(left(merged), right(merged))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id in PEERS:
            return _of_peers(node.func.id, node.args)
        function = _FUNCTIONS[node.func.id]
        arguments = [_compiled(argument) for argument in node.args]
        return lambda merged: function(merged, *(one(merged) for one in arguments))
    raise SyntaxError(f"{ast.unparse(node)} is not allowed")


def _of_peers(name: str, arguments: list[ast.expr]) -> Expression:
    [argument] = arguments
    measure, own = ast.unparse(argument), _compiled(argument)
    return lambda merged: PEERS[name](cast(InCourse, merged), measure, own(merged))
