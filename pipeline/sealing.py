"""Seal a stage: from its verified draft, or anew from an older seal.

    made     verify -> publish -> store -> judge -> commit
    again    restore -> judge -> commit with the same trees

On return the stage is done, whatever goes wrong afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import draft, files, gate, room, template
from pipeline.deaths import die_at
from pipeline.errors import GateFailed, StageFailed
from pipeline.frozen import dataclass
from pipeline.ledger import StageFiles
from pipeline.seal import Seal
from pipeline.secrets import values
from pipeline.sketch import number_text, numbers_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.attempt import AttemptPaths
    from pipeline.draft import Made
    from pipeline.fingerprint import Document
    from pipeline.gate import Judgement
    from pipeline.schema import Stage
    from pipeline.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A stage that is done: its seal, and what its gates said."""

    seal: Seal
    commit: str
    metrics: Mapping[str, float]
    judgement: Judgement
    duration_s: float = 0.0
    kept_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A try that ended well: what it heard, how long it took, what it was made of."""

    attempt: AttemptPaths
    number: int
    metrics: Mapping[str, float]
    duration_s: float
    document: Document


class Sealing:
    """The seals of one stage in one run."""

    def __init__(self, stage: Stage, workshop: Workshop) -> None:
        """Seal `stage` with what is in the workshop."""
        self._stage = stage
        self._workshop = workshop

    def made(self, tried: Tried) -> Sealed:
        """Verify what a try made, publish it, and seal it."""
        name, workshop = self._stage.name, self._workshop
        made = draft.verify(self._stage, tried.attempt)
        die_at(name, "verified")
        metrics = {**tried.metrics, **self._clean(made.told)}
        kept = self._kept_back(tried.attempt, made)
        self._check_room(made)
        told = {
            draft.METRICS: draft.metrics_text(metrics),
            draft.MANIFEST: made.manifest.text(),
            draft.FINGERPRINT: tried.document.text(),
        }
        artifacts = workshop.paths.artifacts
        draft.publish(tried.attempt, workshop.results, artifacts, name, told=told)
        die_at(name, "published")
        # A manifest names them by now: who clears up leaves them alone.
        self._store(made, kept)
        die_at(name, "stored")
        judgement = gate.judge(self._stage.gates, metrics)
        die_at(name, "judged")
        seal = Seal(
            run=workshop.plan.run,
            stage=name,
            attempt=tried.number,
            fingerprint=tried.document.fingerprint,
            verdict=judgement.verdict,
            duration_s=tried.duration_s,
            host=workshop.plan.host,
            manifest=made.manifest.digest(),
            subject=self._subject(metrics, judgement.verdict),
        )
        commit = workshop.ledger.seal(
            seal,
            self._files(made, kept),
            at=int(workshop.clock.now().timestamp()),
            before_move=lambda: die_at(name, "sealing"),
        )
        done = self._done(seal, commit, metrics, judgement, tried.duration_s)
        return replace(done, kept_back=tuple(sorted(kept)))

    def again(self, old: Seal) -> Sealed:
        """Seal anew what an older seal holds.

        Raise IntegrityError when some of it is lost; nothing of it lies there then.
        """
        name, workshop = self._stage.name, self._workshop
        trees = workshop.restoring.trees_of(name, old.commit)
        draft.clear(workshop.results, workshop.paths.artifacts, name)
        try:
            workshop.restoring.restore(name, trees, old.at)
        except BaseException:
            draft.clear(workshop.results, workshop.paths.artifacts, name)
            raise
        die_at(name, "restored")
        metrics = draft.published_metrics(workshop.results.metrics(name))
        judgement = gate.judge(self._stage.gates, metrics)
        seal = replace(
            old,
            run=workshop.plan.run,
            verdict=judgement.verdict,
            host=workshop.plan.host,
            subject=self._subject(metrics, judgement.verdict),
            reuses=old.commit,
            commit="",
            at=0,
        )
        commit = workshop.ledger.reuse(
            seal,
            trees,
            at=int(workshop.clock.now().timestamp()),
            before_move=lambda: die_at(name, "sealing"),
        )
        return self._done(seal, commit, metrics, judgement)

    def _done(
        self,
        seal: Seal,
        commit: str,
        metrics: Mapping[str, float],
        judgement: Judgement,
        duration_s: float = 0.0,
    ) -> Sealed:
        die_at(seal.stage, "sealed")
        self._workshop.note(seal.stage)
        return Sealed(
            seal=seal,
            commit=commit,
            metrics=metrics,
            judgement=judgement,
            duration_s=duration_s,
        )

    def _check_room(self, made: Made) -> None:
        """Refuse before anything is moved what could only be sealed by half."""
        workshop = self._workshop
        most = workshop.plan.pipeline.git.max_file
        need = room.of_seal(made.manifest, most=most, store=workshop.store)
        room.check(workshop.paths.root, f"the seal of stage {self._stage.name!r}", need)

    def _clean(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Give numbers with no secret among their names."""
        clean = self._workshop.story.clean
        return {clean(name): value for name, value in metrics.items()}

    def _kept_back(self, attempt: AttemptPaths, made: Made) -> frozenset[str]:
        """Name the files that git must not get, as a secret stands in them.

        They are the user's own and stay as they are; a commit would be for good, and
        may be published.
        """
        most, hidden = self._workshop.plan.pipeline.git.max_file, self._workshop.hidden
        places = {
            "artifacts": (attempt.out, made.manifest.artifacts),
            "results": (attempt.results, made.manifest.results),
        }
        for _, listed in places.values():
            if values.are_spelled(listed, hidden):
                what = "named a file after a secret, which cannot be sealed"
                message = f"stage {self._stage.name!r} {what}"
                raise StageFailed(message, hint=f"it lies in {attempt.root} on the box")
        return frozenset(
            f"{kind}/{name}"
            for kind, (folder, listed) in places.items()
            for name in values.holding(folder, listed, most=most, hidden=hidden)
        )

    def _store(self, made: Made, kept: frozenset[str]) -> None:
        """Keep what is not for git; on return it is there for good."""
        workshop, stage = self._workshop, self._stage.name
        most = workshop.plan.pipeline.git.max_file
        for kind, folder, listed in (
            ("artifacts", workshop.paths.artifacts / stage, made.manifest.artifacts),
            ("results", workshop.results.stage(stage), made.manifest.results),
        ):
            for name, one in listed.items():
                if one.size > most or f"{kind}/{name}" in kept:
                    # By its size alone a resumed run tells that it is still there.
                    files.sync_file(folder / name)
                    workshop.store.put(
                        folder / name,
                        one,
                        before_move=lambda: die_at(stage, "storing"),
                    )

    def _files(self, made: Made, kept: frozenset[str]) -> StageFiles:
        """Name what of a published draft lies in the commit itself."""
        workshop, name = self._workshop, self._stage.name
        most = workshop.plan.pipeline.git.max_file
        listed = {
            "artifacts": made.manifest.artifacts,
            "results": made.manifest.results,
        }
        small = {
            kind: [
                one
                for one in draft.sealed_names(sizes, most=most)
                if f"{kind}/{one}" not in kept
            ]
            for kind, sizes in listed.items()
        }
        ours = [draft.METRICS, draft.MANIFEST, draft.FINGERPRINT]
        return StageFiles(
            results_folder=workshop.results.stage(name),
            results=[*small["results"], *ours],
            artifacts_folder=workshop.paths.artifacts / name,
            artifacts=small["artifacts"],
        )

    def _subject(self, metrics: Mapping[str, float], verdict: gate.Verdict) -> str:
        if self._stage.commit:
            shown = {name: number_text(value) for name, value in metrics.items()}
            return template.fill(self._stage.commit, shown)
        numbers = numbers_text(metrics, most=3)
        return f"{self._stage.name}: {verdict}" + (f", {numbers}" if numbers else "")


def gate_error(stage: str, commit: str, failures: tuple[str, ...]) -> GateFailed:
    """Say which gate of a sealed stage failed."""
    message = f"{failures[0]}, on stage {stage!r}"
    hint = f"sealed as {commit[:7]} with Verdict: fail; nothing that needs it was run"
    return GateFailed(message, hint=hint)
