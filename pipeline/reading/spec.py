"""From pipeline.yaml to a Pipeline.

Every mistake is found at once, each with its place; nothing is half read. Inside the
core there are only the frozen values of `schema`: no raw mapping gets past this file
but params, which belong to the stages.
"""

from __future__ import annotations

import contextlib
import gc
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import layout
from pipeline.errors import SpecError
from pipeline.reading import (
    clash,
    drafts,
    edges,
    fit,
    marked,
    module,
    override,
    sections,
)
from pipeline.reading.marked import Entries
from pipeline.reading.mistakes import Mark, Mistakes
from pipeline.reading.naming import name_flaw, name_hint
from pipeline.reading.table import Params, Table, found
from pipeline.schema import Data, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_PASSED_OVER = ("x-", "$schema")


def load(path: Path, *, overrides: Sequence[str] = (), host: str = "") -> Pipeline:
    """Read and parse the file, or raise SpecError with every mistake in it.

    The modules of stages are looked at too, in the folder of the file and in that of
    its repository. With `host`, all data must have a home there.
    """
    name = _as_seen_from_here(path)
    try:
        text = _read(path, name)
    except OSError as error:
        message = f"{name}: cannot be read: {error.strerror}"
        raise SpecError(message) from error
    folders = module.folders(path.parent)
    return parse(text, name=name, overrides=overrides, host=host, folders=folders)


def _read(path: Path, name: str) -> bytes:
    """Read a file that is one, and no more of it than somebody may have written."""
    # A pipe that nobody writes to would never open otherwise.
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        look = os.fstat(opened)
        if not stat.S_ISREG(look.st_mode):
            message = f"{name}: is not a file that holds a text"
            raise SpecError(message)
        if look.st_size > marked.MOST_BYTES:
            message = f"{name}:1:1: {marked.too_large(look.st_size)}"
            raise SpecError(message)
        return os.read(opened, marked.MOST_BYTES + 1)
    finally:
        os.close(opened)


def _as_seen_from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def parse(
    text: bytes | str,
    *,
    name: str = layout.PIPELINE_FILE,
    overrides: Sequence[str] = (),
    host: str = "",
    folders: Sequence[Path] = (),
) -> Pipeline:
    """Parse the text of a pipeline, or raise SpecError with every mistake in it.

    `overrides` are `stage.param=value` or `param=value`; `name` begins each message.
    With `host`, all data must have a home there; with `folders`, stages are held
    against their modules, which are looked for there.
    """
    mistakes = Mistakes(name)
    with _without_collecting():
        root = marked.compose(text, mistakes)
        if not isinstance(root, Entries):
            sentence = f"a pipeline should be a mapping, found {found(root)}"
            mistakes.add(root.mark, sentence, "it begins with `name:` and `stages:`")
            raise mistakes.error()
        table = Table(root, mistakes, mark=root.mark)
        pipeline = _pipeline(table, overrides, host, folders)
    mistakes.settle()
    return pipeline


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave Python's collector out: it looks for circles, and a tree has none.

    It would take half of the time that a large file takes.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _pipeline(
    table: Table, overrides: Sequence[str], host: str, folders: Sequence[Path]
) -> Pipeline:
    mistakes = table.mistakes
    name = _name(table)
    hosts = tuple(sections.host(n, one) for n, one in table.tables("hosts", "host"))
    places = [sections.LOCAL, *(host.name for host in hosts)]
    sets = dict(table.tables("data", "data"))
    data = tuple(sections.data(n, one, places) for n, one in sets.items())
    marks = {name: one.mark for name, one in sets.items()}
    _check_paths(data, marks, mistakes)
    _check_homes(data, marks, host if host in places[1:] else "", mistakes)
    read = drafts.of_stages(table)
    read, params = override.apply(overrides, read, table.params(), mistakes)
    _check_seed(params, mistakes)
    stages = edges.join(read, params=params, data=marks, mistakes=mistakes)
    lying = {one.name: (one.path, marks[one.name]) for one in data}
    clash.check(read, stages, lying, mistakes)
    fit.check(read, params, folders, mistakes)
    pipeline = Pipeline(
        name=name,
        stages=stages,
        params=dict(params.values),
        jobs=table.whole("jobs", 1, least=1),
        revive=sections.revive(table),
        env=sections.env(table),
        git=sections.git(table.table("git")),
        ship=sections.ship(table.table("ship")),
        sync=sections.sync(table.table("sync")),
        heartbeat=sections.heartbeat(table.table("heartbeat")),
        notify=sections.notify(table.table("notify")),
        hosts=hosts,
        data=data,
    )
    table.close(_PASSED_OVER)
    return pipeline


def _name(table: Table) -> str:
    table.demand("name", "a name for its folder on the box")
    word = table.word("name")
    if word and (flaw := name_flaw(word.text)):
        sentence = f"the name {word.text!r} {flaw}"
        table.mistakes.add(word.mark, sentence, name_hint(word.text))
    return word.text if word else ""


def _check_seed(params: Params, mistakes: Mistakes) -> None:
    """Make sure that the seed of all stages is one."""
    seed = params.values.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        sentence = f"param 'seed' should be a whole number from 0, found {seed!r}"
        mistakes.add(params.marks["seed"], sentence)


def _check_paths(
    data: Sequence[Data], marks: Mapping[str, Mark], mistakes: Mistakes
) -> None:
    """Refuse two data sets at one place of the worktree: both are linked there.

    And one inside another: its link would be put into the home of that.
    """
    first: dict[str, str] = {}
    for one in data:
        other = first.setdefault(one.path.rstrip("/"), one.name)
        if one.path and other != one.name:
            sentence = f"data {one.name!r} lies at {one.path!r}, as {other!r} does"
            mistakes.add(marks[one.name], sentence)
    for path, name in first.items():
        for other, around in first.items():
            if other and path.startswith(f"{other}/"):
                sentence = f"data {name!r} at {path!r} lies inside data {around!r}"
                hint = "the home of the one holds the other: name one of the two"
                mistakes.add(marks[name], sentence, hint)


def _check_homes(
    data: Sequence[Data], marks: Mapping[str, Mark], host: str, mistakes: Mistakes
) -> None:
    """Refuse data that a run on `host` needs, and would not find there."""
    for one in data:
        if host and host not in one.hosts and not one.is_optional:
            sentence = f"data {one.name!r} has no path for host {host!r}"
            hint = f"add it: data.{one.name}.{host}: PATH"
            mistakes.add(marks[one.name], sentence, hint)
