"""Show what each component is doing: moving bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Board:
    """One line per component; ``say`` may be called from any thread."""

    def __init__(self, title: str) -> None:
        self._console = Console(stderr=True)
        self._title = title
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._progress: Progress | None = None

    def __enter__(self) -> Board:
        if self._console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.fields[component]:<12}"),
                BarColumn(bar_width=20),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def say(self, component: str, doing: str, *, done: bool = False) -> None:
        with self._lock:
            if self._progress is None:
                sys.stderr.write(f"{self._title}: {component}: {doing}\n")
                sys.stderr.flush()
                return
            if component not in self._tasks:
                # Without a total the bar pulses: something moves, nobody knows how far it is.
                self._tasks[component] = self._progress.add_task(
                    doing, total=None, component=component
                )
            task = self._tasks[component]
            self._progress.update(task, description=doing)
            if done:
                self._progress.update(task, total=1, completed=1)
