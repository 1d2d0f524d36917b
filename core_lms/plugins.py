"""Plugin points: built-ins are the files of a folder, third parties come by entry point.

A point is declared once, in the ``__init__.py`` of the folder that holds its built-ins::

    POINT = Point[Provider](
        "learnstream.payment_providers", Provider, Path(__file__).parent, attribute="provider"
    )

``provider`` is what each ``<name>.py`` in that folder calls its plugin. A third party's package
names its own object in its metadata: ``[project.entry-points."learnstream.payment_providers"]``,
``mypay = "mypay.learnstream:provider"``. A class is instantiated without arguments. Whoever uses
plugins asks ``plugins(POINT)``; whoever starts a process asks ``check()`` first.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast, get_type_hints

from typing_extensions import get_protocol_members

from contracts.errors import Misconfigured
from stack.profile import REPOSITORY

HOSTS = ("core_lms", "imports")
"""The packages that have points."""
P = TypeVar("P")


@dataclass(frozen=True)
class Point(Generic[P]):
    """One place where plugins fit in. ``protocol`` is what each must fulfil.

    ``pattern`` finds the built-ins below ``folder``: the name is the file's, or where the pattern
    has a folder in it, the folder's.
    """

    group: str
    protocol: type[Any]
    folder: Path
    attribute: str | None = None
    """The name of the plugin in a built-in module; None: the module itself is the plugin."""
    pattern: str = "[a-z]*.py"
    about: str = ""

    def __post_init__(self) -> None:
        if not self.group.startswith("learnstream."):
            raise TypeError(f"{self.group!r}: a group of entry points begins with learnstream.")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin as found: ``value`` fulfils the protocol, or ``fault`` says why it does not."""

    group: str
    name: str
    origin: str
    """``built-in core_lms.payments.providers.stripe`` or ``mypay 1.2, entry point mypay = …``."""
    value: Any = None
    fault: str | None = None


_loaded: dict[str, tuple[Plugin, ...]] = {}


def plugins(point: Point[P]) -> Mapping[str, P]:
    """What is plugged in at ``point``, by name; raises ``Misconfigured`` naming what is wrong."""
    found = found_at(point)
    refuse(found)
    return MappingProxyType({plugin.name: cast(P, plugin.value) for plugin in found})


def found_at(point: Point[Any]) -> tuple[Plugin, ...]:
    """Every plugin of ``point`` with its faults; looked for once per process."""
    if point.group not in _loaded:
        found = sorted([*_built_in(point), *_foreign(point)], key=lambda p: (p.name, p.origin))
        _loaded[point.group] = tuple(found)
    return _loaded[point.group]


def forget() -> None:
    """Look again the next time: for whoever installs a package into a running process."""
    _loaded.clear()


def points() -> list[Point[Any]]:
    """Every point: the ``POINT`` of a folder's ``__init__.py``."""
    found = []
    for path in sorted(path for host in HOSTS for path in (REPOSITORY / host).rglob("__init__.py")):
        if "POINT = Point[" in path.read_text(encoding="utf-8"):
            package = ".".join(path.parent.relative_to(REPOSITORY).parts)
            found.append(importlib.import_module(package).POINT)
    return found


def check() -> None:
    """Load every plugin of every point; raises ``Misconfigured`` with all that is wrong."""
    refuse(plugin for point in points() for plugin in found_at(point))


def refuse(found: Iterator[Plugin] | tuple[Plugin, ...]) -> None:
    """Raises ``Misconfigured`` where a plugin has a fault or two have one name."""
    faults: list[str] = []
    names: dict[tuple[str, str], Plugin] = {}
    for plugin in found:
        if plugin.fault:
            faults.append(f"{plugin.group}: {plugin.origin}: {plugin.fault}")
        other = names.setdefault((plugin.group, plugin.name), plugin)
        if other is not plugin:
            faults.append(
                f"{plugin.group}: two plugins are called {plugin.name!r}: {other.origin}; "
                f"{plugin.origin}: uninstall one of them"
            )
    if faults:
        raise Misconfigured("plugins: " + " | ".join(faults), faults=tuple(faults))


def _built_in(point: Point[Any]) -> Iterator[Plugin]:
    for path in sorted(point.folder.glob(point.pattern)):
        if path.stem.startswith("_"):
            continue
        relative = path.relative_to(REPOSITORY).with_suffix("")
        module = ".".join(relative.parts)
        inside = path.relative_to(point.folder)
        name = (inside.parts[0] if len(inside.parts) > 1 else path.stem).removesuffix("_")
        origin = f"built-in {module}"
        yield _plugin(point, name, origin, partial(_member, point, module))


def _member(point: Point[Any], module: str) -> object:
    loaded = importlib.import_module(module)
    if point.attribute is None:
        return loaded
    if not hasattr(loaded, point.attribute):
        raise AttributeError(f"the module has no {point.attribute!r}")
    return getattr(loaded, point.attribute)


def _foreign(point: Point[Any]) -> Iterator[Plugin]:
    for entry in entry_points(group=point.group):
        yield _plugin(point, entry.name, _origin(entry), entry.load)


def _origin(entry: EntryPoint) -> str:
    named = f"entry point {entry.name} = {entry.value}"
    return f"{entry.dist.name} {entry.dist.version}, {named}" if entry.dist else named


def _plugin(point: Point[Any], name: str, origin: str, load: Callable[[], object]) -> Plugin:
    try:
        value = load()
        if inspect.isclass(value):
            value = value()
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        fault = f"does not load: {type(error).__name__}: {error}"
        return Plugin(point.group, name, origin, fault=fault)
    fault = "; ".join(_shortcomings(point.protocol, value))
    return Plugin(point.group, name, origin, value, fault or None)


def _shortcomings(protocol: type[Any], value: object) -> Iterator[str]:
    """In what ``value`` falls short of ``protocol``: members, kinds, ways of calling."""
    hints = get_type_hints(protocol)
    for name in sorted(get_protocol_members(protocol)):
        wanted = getattr(protocol, name, None)
        try:
            has = getattr(value, name)
        except AttributeError:
            yield f"lacks {name!r}, which {protocol.__name__} asks for"
            continue
        if callable(wanted):
            yield from _call_shortcomings(name, wanted, has)
        elif inspect.isclass(kind := hints.get(name)) and not isinstance(has, kind):
            yield f"{name!r} is {type(has).__name__}, not {kind.__name__}"


def _call_shortcomings(name: str, wanted: Callable[..., Any], has: object) -> Iterator[str]:
    if not callable(has):
        yield f"{name!r} cannot be called"
        return
    if inspect.iscoroutinefunction(wanted) != inspect.iscoroutinefunction(has):
        kind = "async" if inspect.iscoroutinefunction(wanted) else "an ordinary function"
        yield f"{name!r} must be {kind}"
    _, *parameters = inspect.signature(wanted).parameters.values()
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    keywords = {p.name: p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(has).bind(*positional, **keywords)
    except TypeError as error:
        call = ", ".join([*positional, *(f"{word}=…" for word in keywords)])
        yield f"{name!r} cannot be called as {name}({call}): {error}"
    except ValueError:
        return  # a built-in callable without a signature
