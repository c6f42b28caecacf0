"""Ask a box for something small, over a connection that may have died in a sleep.

The shared connection outlives the command that made it. After a sleep, or at another
address, it is dead and does not know it: ssh would find out after some twenty seconds.
So where an answer does not come soon, the connection itself is asked for; if it was
dead, the question goes out once more over a new one. What is asked so may be done
twice: every verb of a box may.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock
from pipeline.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from remote.links.link import Completed, Link

SOON_S = 3.0
_CLOCK = SystemClock()


def call(
    link: Link,
    argv: Sequence[str],
    *,
    stdin: Callable[[], Iterable[bytes]] = lambda: (),
    timeout_s: float,
) -> Completed:
    """Run `argv` there, as `link.call` does; raise what that raises.

    Nothing large should be sent so: a busy line would be taken for a dead one.
    """
    began = _CLOCK.monotonic()
    doubt = threading.Timer(SOON_S, link.revive)
    doubt.daemon = True
    doubt.start()
    try:
        return link.call(argv, stdin=stdin(), timeout_s=timeout_s)
    except TransportError:
        spent_s = _CLOCK.monotonic() - began
        if not SOON_S <= spent_s < timeout_s:
            raise
        return link.call(argv, stdin=stdin(), timeout_s=timeout_s - spent_s)
    finally:
        doubt.cancel()
