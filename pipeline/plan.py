"""For each stage: reuse, execute, or wait for what an earlier one will give; and why.

The plan is made where the run will be: only the box knows its data, its environment and
what was sealed there before. `decide` is asked again by the runner when a stage is
ready, with inputs that exist by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline import gate, graph
from pipeline.decision import Decision, reuse_of, spoken, spoken_read
from pipeline.environments.environment import seen_by_module
from pipeline.errors import IntegrityError
from pipeline.fingerprint import params_of, parts_of
from pipeline.layout import base_of
from pipeline.past import Past

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifact import Manifest
    from pipeline.changes import Change
    from pipeline.fingerprint import Parts
    from pipeline.inventory import Known
    from pipeline.schema import Input, Resolved, Stage
    from pipeline.seal import Seal

Sources = Mapping[str, Mapping[str, str]]  # reference -> file -> sha256
_FORCED = "asked for by --force"


class Planner:
    """Decides for the stages of one plan."""

    def __init__(self, plan: Resolved, known: Known) -> None:
        """Decide for `plan` by what is known on this box."""
        self._plan = plan
        self._known = known
        self._past = Past(plan, known)
        self._manifests: dict[str, Manifest | None] = {}
        self._judged: dict[str, gate.Judgement] = {}
        self._failing: set[str] = set()
        self._data: dict[str, Mapping[str, str] | str] = {}

    def plan(self, against: str = "") -> list[Decision]:
        """Decide for all stages, in the order in which they would come.

        against: a run whose seals the stages are compared with, not the newest.
        """
        decided: dict[str, Decision] = {}
        seals: dict[str, Seal] = {}
        for stage in graph.order(self._plan.pipeline.stages):
            waits_for = self._waits_for(stage, decided)
            if waits_for:
                decided[stage.name] = self._waiting(stage, waits_for, against)
                continue
            sources = {str(ref): self._source(ref, seals) for ref in stage.inputs}
            decision, seal = self.decide(stage, sources)
            if against:
                decision = self._against(stage, sources, decision, against)
            if seal is not None:
                seals[stage.name] = seal
                decision = self._with_verdict(stage, decision, seal)
            decided[stage.name] = decision
        return list(decided.values())

    def _against(
        self, stage: Stage, sources: Sources, decision: Decision, run: str
    ) -> Decision:
        found, seal = self._past.compare(stage, self.parts(stage, sources), run)
        if seal is None:
            return replace(decision, commit="", run="", changes=())
        return replace(decision, commit=seal.commit, run=seal.run, changes=tuple(found))

    def _with_verdict(self, stage: Stage, decision: Decision, seal: Seal) -> Decision:
        """Say so where the numbers of a seal fail today's gates."""
        failures = self.judged(stage, seal).failures
        if not failures:
            return decision
        self._failing.add(stage.name)
        return replace(decision, because=f"{decision.because}; {failures[0]}")

    def _waits_for(self, stage: Stage, decided: Mapping[str, Decision]) -> str:
        if isinstance(self._known.environment, str):
            return self._known.environment
        if failing := [name for name in stage.needs if name in self._failing]:
            return f"{', '.join(failing)} to pass its gates"
        for ref in stage.inputs:
            if ref.data and isinstance(found := self._at_once(ref.data), str):
                return found
        givers = dict.fromkeys(ref.stage for ref in stage.inputs if ref.stage)
        open_ = [name for name in givers if decided[name].kind != "reuse"]
        return f"what {', '.join(open_)} will give" if open_ else ""

    def _waiting(self, stage: Stage, waits_for: str, against: str) -> Decision:
        """Say what a stage waits for, and what of its own differs already."""
        found, seal = self._own_changes(stage, against)
        because, kind = f"waits for {waits_for}", "wait"
        if stage.name in self._plan.force:
            because, kind = _FORCED, "execute"
        elif found:
            because = f"{because}; {spoken(found)}"
        return Decision(
            stage=stage.name,
            kind=kind,  # type: ignore[arg-type]  # one of two words
            because=because,
            commit=seal.commit if seal else "",
            run=seal.run if seal else "",
            changes=tuple(found),
        )

    def _own_changes(self, stage: Stage, run: str) -> tuple[list[Change], Seal | None]:
        """Compare a stage with its seal as if its inputs and environment were same."""
        seal = self._past.newest(stage, run)
        document = seal and self._past.document(seal)
        if not document:
            return [], seal
        then = document.parts.inputs
        same = {str(ref): then.get(str(ref), {}) for ref in stage.inputs}
        now = self.parts(stage, same)
        if isinstance(self._known.environment, str):
            now = replace(now, environment=document.parts.environment)
        return self._past.compare(stage, now, run)

    def _source(self, ref: Input, seals: Mapping[str, Seal]) -> Mapping[str, str]:
        if ref.data:
            found = self._at_once(ref.data)
            assert not isinstance(found, str), "what is to be read is waited for"
            return found
        manifest = self._manifest(seals[ref.stage])
        return manifest.meant_by(ref.file) if manifest else {}

    def _at_once(self, name: str) -> Mapping[str, str] | str:
        """Give what stands for a data set, or say how much of it is to be read."""
        if name not in self._data:
            self._data[name] = self._known.at_once(name)
        return self._data[name]

    @property
    def unhashed(self) -> dict[str, str]:
        """The data sets that must be read before all can be decided, in words."""
        return {n: said for n, said in self._data.items() if isinstance(said, str)}

    def _manifest(self, seal: Seal) -> Manifest | None:
        if seal.commit not in self._manifests:
            self._manifests[seal.commit] = self._known.archive.manifest(seal)
        return self._manifests[seal.commit]

    def data(self, name: str) -> Mapping[str, str]:
        """Give what stands for a data set at this moment."""
        return self._known.data(name)

    def now(self, path: str) -> str:
        """Give what lies behind a path of the snapshot."""
        return self._known.now(path)

    def parts(self, stage: Stage, sources: Sources) -> Parts:
        """Gather the parts of a stage's fingerprint."""
        return parts_of(
            stage,
            self._plan.pipeline,
            code=self._plan.codes[self._plan.code[stage.name]],
            inputs=sources,
            environment=self._environment(stage),
            device="cuda" if stage.gpus else "cpu",
        )

    def _environment(self, stage: Stage) -> Mapping[str, Any]:
        found = self._known.environment
        if isinstance(found, str):
            return {}
        if not stage.run or "sources" not in found:
            return found
        return seen_by_module(found, self._modules)

    @cached_property
    def _modules(self) -> frozenset[str]:
        """The first names of what can be imported from the snapshot."""
        base = base_of(self._plan.prefix)
        names = [p.removeprefix(base).partition("/")[0] for p in self._known.listing()]
        names += [path.partition("/")[0] for path in self._known.listing()]
        return frozenset(name.removesuffix(".py") for name in names)

    def decide(self, stage: Stage, sources: Sources) -> tuple[Decision, Seal | None]:
        """Decide for a stage whose inputs are known; give the seal to be reused too."""
        parts = self.parts(stage, sources)
        fingerprint = parts.digest()
        if stage.name in self._plan.force:
            decision = Decision(stage=stage.name, kind="execute", because=_FORCED)
            return replace(decision, fingerprint=fingerprint), None
        flaws = []
        for seal in self._known.archive.every(stage.name):
            if seal.fingerprint == fingerprint:
                flaw = self.flaw(stage, seal)
                if not flaw:
                    return reuse_of(seal), seal
                flaws.append(flaw)
        return self._execute(stage, parts, fingerprint, flaws), None

    def flaw(self, stage: Stage, seal: Seal) -> str:
        """Say what keeps a seal of the right fingerprint from being reused."""
        if stage.run:
            document = self._past.document(seal)
            if document is None:
                return "its seal cannot be read"
            for change in self._past.changed_reads(document.reads):
                return spoken_read(change)
        manifest = self._manifest(seal)
        if manifest is None:
            return "its manifest is not what was sealed"
        try:
            self.judged(stage, seal)
        except IntegrityError:
            return "its metrics cannot be read"
        if not self._known.whole(seal, manifest):
            return "its artifacts are gone from this host"
        return ""

    def _execute(
        self, stage: Stage, parts: Parts, fingerprint: str, flaws: list[str]
    ) -> Decision:
        found, newest = self._past.compare(stage, parts)
        if flaws:
            because = flaws[0]
        elif newest is None:
            because = "never sealed on this host"
        elif not found:
            because = "sealed by another version"
        else:
            because = spoken(found)
        return Decision(
            stage=stage.name,
            kind="execute",
            because=because,
            fingerprint=fingerprint,
            commit=newest.commit if newest else "",
            run=newest.run if newest else "",
            changes=tuple(found),
        )

    def last_like(self, stage: Stage) -> Manifest | None:
        """Give what the stage made the last time it had these params."""
        params = params_of(stage, self._plan.pipeline)
        for seal in self._known.archive.of(stage.name):
            document = self._past.document(seal)
            if document and document.parts.params == params:
                return self._manifest(seal)
        return None

    def judged(self, stage: Stage, seal: Seal) -> gate.Judgement:
        """Hold the numbers of a seal against today's gates."""
        if seal.commit not in self._judged:
            metrics = self._known.archive.metrics(seal) if stage.gates else {}
            self._judged[seal.commit] = gate.judge(stage.gates, metrics)
        return self._judged[seal.commit]

    def sealed_in(
        self, decisions: list[Decision], is_there: Callable[[str], bool]
    ) -> str:
        """Name the run in which all stages are sealed already and pass; or none.

        is_there: tells whether a run's folder is, for there is where one would look.
        """
        if any(one.kind != "reuse" for one in decisions):
            return ""
        wanted = {one.stage: one.fingerprint for one in decisions}
        for run, seals in self._known.archive.runs.items():
            if (
                is_there(run)
                and all(
                    name in seals and seals[name].fingerprint == fingerprint
                    for name, fingerprint in wanted.items()
                )
                and all(self._passes(seals[name], name) for name in wanted)
            ):
                return run
        return ""

    def _passes(self, seal: Seal, name: str) -> bool:
        stage = self._stages[name]
        passes = seal.verdict == self.judged(stage, seal).verdict == "pass"
        return passes and not self.flaw(stage, seal)

    @cached_property
    def _stages(self) -> Mapping[str, Stage]:
        return {stage.name: stage for stage in self._plan.pipeline.stages}
