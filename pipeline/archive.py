"""What was sealed before in this project, by whichever run: seals and what they hold.

There is no index: the branches are asked, all at once, and the newest seal comes first.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from pipeline import codec, draft, scope
from pipeline.artifact import Manifest
from pipeline.blobs import Blobs
from pipeline.errors import HostError, IntegrityError
from pipeline.fingerprint import read_document
from pipeline.layout import PLAN, BoxPaths, base_of, is_safe_name
from pipeline.seal import LOG_FORMAT, parse_log, parse_seal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.fingerprint import Document
    from pipeline.git import Entry, Git
    from pipeline.seal import Seal


class Archive:
    """The seals of all runs of one project, read once."""

    def __init__(self, git: Git, *, prefix: str, but: str = "") -> None:
        """Ask the branches; those of run `but` are left out."""
        self._base = base_of(prefix)
        self._git = git
        self._blobs = Blobs(git)
        self._listings: dict[str, scope.Listing] = {}
        self._held: dict[str, set[str]] = {}
        self._seals: dict[str, list[Seal]] = {}
        self.runs: dict[str, dict[str, Seal]] = {}
        self._tips: set[str] = set()
        self._begun: dict[str, int] = {}
        self._results: dict[str, dict[str, Entry]] = {}
        self._merged: dict[str, list[Seal]] | None = None
        for seal in sorted(_all_seals(git, self._tips), key=self._age):
            if seal.run != but:
                self._seals.setdefault(seal.stage, []).append(seal)
                self.runs.setdefault(seal.run, {}).setdefault(seal.stage, seal)

    def _age(self, seal: Seal) -> tuple[int, int]:
        """Order seals, newest first; among those of one second, by when runs began."""
        if seal.run not in self._begun:
            self._begun[seal.run] = 0
            if is_safe_name(seal.run):
                plan = BoxPaths(self._git.folder.parent).run(seal.run) / PLAN
                with contextlib.suppress(OSError):
                    self._begun[seal.run] = plan.stat().st_mtime_ns
        return -seal.at, -self._begun[seal.run]

    def of(self, stage: str) -> list[Seal]:
        """Give the seals of a stage, newest first."""
        return self._seals.get(stage, [])

    def every(self, stage: str) -> Iterator[Seal]:
        """Give the seals of a stage, newest first, and then those that are hidden.

        Who merges a run's branch into his own makes its seals a part of each later
        snapshot's history, which is not walked for seals. They are looked for apart,
        and only when nothing else fits.
        """
        yield from self.of(stage)
        if self._merged is None:
            self._merged = {}
            for seal in self._hidden():
                self._merged.setdefault(seal.stage, []).append(seal)
        yield from self._merged.get(stage, [])

    def _hidden(self) -> Iterator[Seal]:
        """Walk down the branches that no walk has met: seals lie in one row."""
        said = self._git.ask("for-each-ref", "--format=%(objectname)", "refs/heads/")
        met = set(self._tips)
        for tip in said.out.decode().split():
            commit = tip
            while commit not in met and (found := self._blobs.find(commit)):
                met.add(commit)
                head, _, message = found.data.decode("utf-8", "replace").partition(
                    "\n\n"
                )
                if "\nRun: " not in message:
                    break
                if (seal := _seal_in(commit, message)) is not None:
                    yield seal
                parents = [x for x in head.splitlines() if x.startswith("parent ")]
                commit = parents[0].removeprefix("parent ") if parents else ""

    def document(self, seal: Seal) -> Document | None:
        """Give the parts of a seal's fingerprint; those of older versions have none."""
        return read_document(self._file(seal, draft.FINGERPRINT))

    def manifest(self, seal: Seal) -> Manifest | None:
        """Give the files a seal names; None when that cannot be read, or is another."""
        data = self._file(seal, draft.MANIFEST) or b""
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != seal.manifest:
            return None
        try:
            return codec.loads(Manifest, data, what=f"manifest of {seal.commit}")
        except IntegrityError:
            return None

    def metrics(self, seal: Seal) -> dict[str, float]:
        """Give the numbers of a sealed stage."""
        return draft.metrics_of(self._file(seal, draft.METRICS) or b"{}")

    def listing(self, seal: Seal) -> scope.Listing:
        """Give the files of the snapshot a seal stands on, and of what was sealed."""
        if seal.run not in self._listings:
            self._listings[seal.run] = scope.listing_of(self._git, seal.commit)
        return self._listings[seal.run]

    def has(self, seal: Seal, kind: str, name: str) -> bool:
        """Tell whether a sealed file lies in the commit itself."""
        tree = f"{seal.commit}:{self._base}{kind}/{seal.stage}"
        if tree not in self._held:
            self._held[tree] = {path for path, _ in self._blobs.files(tree)}
        return name in self._held[tree]

    def _file(self, seal: Seal, name: str) -> bytes | None:
        """Read a file of a seal's results.

        Git looks through a whole tree for each path, so that of all stages of a run is
        read once: its newest seal has all that were sealed there before.
        """
        is_known = self.runs.get(seal.run, {}).get(seal.stage) is seal
        entry = self._stages_of(seal.run).get(seal.stage) if is_known else None
        if entry is None:
            path = f"{seal.commit}:{self._base}results/{seal.stage}/{name}"
            return self._blobs.read(path)
        found = self._blobs.level(entry.name).get(name)
        return self._blobs.read(found.name) if found else None

    def _stages_of(self, run: str) -> dict[str, Entry]:
        if run not in self._results:
            newest = next(iter(self.runs.get(run, {}).values()), None)
            tree = f"{newest.commit}:{self._base}results" if newest else ""
            self._results[run] = self._blobs.level(tree) if tree else {}
        return self._results[run]

    def close(self) -> None:
        """Let git go."""
        self._blobs.close()


def _all_seals(git: Git, met: set[str]) -> Iterator[Seal]:
    """Give the seals of all branches, newest first; what is older is not walked.

    met: gets the names of all commits on the way.
    """
    if not (git.folder / "HEAD").exists():
        return
    said = git.ask(
        *("log", "-z", LOG_FORMAT, "--exclude=ship/*", "--branches"),
        *("--not", "--glob=refs/heads/ship/*"),
    )
    for commit, message, at in parse_log(said.out):
        met.add(commit)
        if (seal := _seal_in(commit, message, at)) is not None:
            yield seal


def _seal_in(commit: str, message: str, at: int = 0) -> Seal | None:
    try:
        return parse_seal(commit, message, at)
    except HostError:  # of a newer version: nothing this one could reuse
        return None
