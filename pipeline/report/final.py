"""Make the report of a run that ended, in its results folder: both files, whole.

Nothing of a run hangs on it: who asks is told why there is none, and goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import eventlines, files, progress
from pipeline.report import blocks, chapters, facts, markdown, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.events import Event
    from pipeline.layout import ResultPaths
    from pipeline.progress import RunState
    from pipeline.schema import Resolved

# Lines that are many and tell nothing that is not in the state: they are not read.
_PASSED_OVER = (b'"kind":"stage_ticked"', b'"kind":"stage_measured"')


def write(
    plan: Resolved,
    results: ResultPaths,
    state: RunState,
    ended: Event,
    clean: Callable[[str], str] | None = None,
) -> None:
    """Write the report. ended: the end, not told yet. clean: puts out secrets."""
    lines = results.events.read_bytes().splitlines(keepends=True)
    told = b"".join(one for one in lines if not any(x in one for x in _PASSED_OVER))
    story = [*eventlines.read_events(told), ended]
    found = facts.gather(plan, results, progress.advance(state, ended), story)
    document = chapters.document(found)
    if clean is not None:
        document = blocks.cleaned(document, clean)
    title = f"{found.state.name}: run {found.state.run}"
    files.replace_text(results.report, markdown.written(document))
    files.replace_text(results.report_page, page.written(document, title))


def remove(results: ResultPaths) -> None:
    """Remove a report that does not hold any more."""
    for path in (results.report, results.report_page):
        path.unlink(missing_ok=True)
