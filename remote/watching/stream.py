"""A run as lines of JSON until it ends: its events, and what is known of the link.

For scripts. An event is the line that stands in events.jsonl. What only the watcher
knows is told in lines of the kind `link`. Nothing else is ever printed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline import eventlines
from pipeline.clock import SystemClock
from pipeline.errors import INTERRUPTED
from remote.watching.notices import Notices
from remote.watching.session import Session, code_of

if TYPE_CHECKING:
    from typing import TextIO

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.views.sight import Sight
    from pipeline.views.telling import Knowing
    from remote.far import Far


def stream(far: Far, record: RunRecord, paths: LaptopPaths, *, out: TextIO) -> int:
    """Print events until the end, or until ^C; give the run's exit code."""
    with (
        Session(far, record, paths, SystemClock()) as session,
        Notices(record, paths, None) as notices,
    ):
        try:
            sight = _to_the_end(session, notices, out)
        except KeyboardInterrupt:
            return INTERRUPTED
    return code_of(sight, record.run)


def _to_the_end(session: Session, notices: Notices, out: TextIO) -> Sight:
    known: Knowing = "connecting"

    def tell(sight: Sight) -> None:
        nonlocal known
        for event in session.news():
            print(eventlines.encode(event), file=out, flush=True)
        if sight.knowing != known:
            known = sight.knowing
            said = {"at": sight.now, "kind": "link", "knowing": known}
            print(json.dumps(said, separators=(",", ":")), file=out, flush=True)
        notices.look(sight, is_writer=session.is_writer)

    return session.to_the_end(tell)
