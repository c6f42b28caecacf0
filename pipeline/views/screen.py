"""The attach view: a run, drawn live in a terminal.

Nothing here listens, waits or reads a file: the caller brings a Sight whenever there is
a new one. Without a terminal there are `plain_lines`, and `farewell` ends both.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
from typing import TYPE_CHECKING

from rich import live
from rich.console import Console

from pipeline.views.picture import picture
from pipeline.views.several import several
from pipeline.views.sight import Sight
from pipeline.views.telling import Knowing, farewell, plain_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from rich.console import ConsoleDimensions, RenderableType
    from typing_extensions import Self

__all__ = ["Knowing", "Live", "Sight", "farewell", "picture", "plain_lines"]


class Live:
    """The picture, repainted in place until the `with` ends.

    However it ends, the terminal is as it was, and the last picture stays above the
    prompt. There is no thread: the terminal is touched in `show` and at the end only.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Draw on `console`, or on standard output."""
        self._console = console or Console()
        self._size = self._console.size
        self._live = live.Live(
            console=self._console,
            auto_refresh=False,
            screen=False,
            vertical_overflow="crop",
        )
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Hide the cursor and what is typed; ^C interrupts as ever."""
        self._undo.enter_context(_unechoed())
        self._undo.enter_context(self._live)
        return self

    def show(self, sight: Sight) -> None:
        """Draw `sight` over what was drawn before, in the terminal's present size."""
        self._draw(lambda size: picture(sight, width=size.width, height=size.height))

    def show_all(self, sights: Sequence[Sight]) -> None:
        """Draw several runs, one of them at length."""
        self._draw(lambda size: several(sights, width=size.width, height=size.height))

    def _draw(self, drawn: Callable[[ConsoleDimensions], RenderableType]) -> None:
        size = self._console.size
        if size != self._size:
            # The terminal has folded the old lines in its own way: no counting back.
            self._console.clear()
            self._size = size
        self._live.update(drawn(size), refresh=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the terminal back."""
        self._undo.__exit__(kind, error, trace)


@contextlib.contextmanager
def _unechoed() -> Iterator[None]:
    """Keep what is typed, a ^C among it, from being drawn into the picture.

    Only for who is in the foreground: to the others, the terminal is not theirs.
    """
    terminal = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else -1
    if terminal < 0 or os.tcgetpgrp(terminal) != os.getpgrp():
        yield
        return
    before = termios.tcgetattr(terminal)
    quiet = [*before]
    # Without NOFLSH, a ^C throws away what is still on its way to the screen: over a
    # slow link half a picture, and the next would be drawn over the wrong lines.
    quiet[3] = quiet[3] & ~termios.ECHO | termios.NOFLSH
    termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        # What was typed unseen is nothing that the shell should run.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
