"""How a stage differs from what was sealed of it before, thing by thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import changes, scope
from pipeline.reads import UNDECLARED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.fingerprint import Document, Parts
    from pipeline.inventory import Known
    from pipeline.schema import Resolved, Stage
    from pipeline.seal import Seal


class Past:
    """The seals of the stages of one plan, to be compared with."""

    def __init__(self, plan: Resolved, known: Known) -> None:
        """Compare with what is known on this box."""
        self._plan = plan
        self._known = known
        self._documents: dict[str, Document | None] = {}

    def document(self, seal: Seal) -> Document | None:
        """Give the parts of a seal's fingerprint, read once."""
        if seal.commit not in self._documents:
            self._documents[seal.commit] = self._known.archive.document(seal)
        return self._documents[seal.commit]

    def newest(self, stage: Stage, run: str) -> Seal | None:
        """Give its newest seal, or that of `run`."""
        seals = self._known.archive.every(stage.name)
        return next((seal for seal in seals if run in ("", seal.run)), None)

    def compare(
        self, stage: Stage, parts: Parts, run: str = ""
    ) -> tuple[list[changes.Change], Seal | None]:
        """Say how a stage differs from its newest seal, or from that of `run`."""
        newest = self.newest(stage, run)
        document = newest and self.document(newest)
        if not document:
            return [], newest
        assert newest is not None, "a document is a seal's"
        is_same = parts.digest() == document.fingerprint
        found = [
            closer
            for change in ([] if is_same else changes.between(document.parts, parts))
            for closer in self._closer(change, stage, newest)
        ]
        return [*found, *self.changed_reads(document.reads)], newest

    def _closer(
        self, change: changes.Change, stage: Stage, seal: Seal
    ) -> list[changes.Change]:
        """Name the files where a fingerprint holds one hash for all of them."""
        old: Mapping[str, str] | None
        new: Mapping[str, str] | None
        if change.kind == "code" and not change.name:
            prefix = self._plan.prefix
            here = self._known.listing()
            then = {  # less what was sealed with it
                path: name
                for path, name in self._known.archive.listing(seal).items()
                if path in here or not scope.is_ours(path, prefix=prefix)
            }
            old = scope.files_of(stage, then, prefix=prefix)
            new = scope.files_of(stage, here, prefix=prefix)
        elif change.kind == "data":
            old, new = self._known.listed(change.old), self._known.listed(change.new)
        else:
            return [change]
        if old is None or new is None:
            return [change]
        found = list(changes.of_mapping(change.kind, old, new))
        if change.kind == "data":
            found = [replace(one, name=f"{change.name}/{one.name}") for one in found]
        return found or [change]

    def changed_reads(self, reads: Mapping[str, str]) -> Iterator[changes.Change]:
        """Say what lies no more as it did where a stage read it."""
        for path, old in reads.items():
            new = self._known.now(path)
            if old == UNDECLARED or old != new:
                yield changes.Change(kind="read", name=path, old=old, new=new)
