"""What a run would do is said before it is done: by the planner, and by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive import Archive
from pipeline.artifact import Artifact, Manifest
from pipeline.fingerprint import Document, read_document
from pipeline.graph import order
from pipeline.inventory import Known
from pipeline.plan import Planner
from pipeline.schema import Code, Input, Pipeline, Resolved, Stage
from pipeline.seal import Seal
from tests.laptop import Laptop
from tests.reused import executed, kinds, planned, written
from tests.strategies import TRAIN_SEAL, graphs

CODE = Code(rule="all", digest="c0de")


class Shelf(Archive):
    """Seals in memory: what a run sealed, newest first."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.sealed: list[tuple[Seal, Document, Manifest]] = []
        self.runs: dict[str, dict[str, Seal]] = {}

    def add(self, seal: Seal, document: Document, manifest: Manifest) -> None:
        """Seal a stage."""
        self.sealed.insert(0, (seal, document, manifest))
        self.runs.setdefault(seal.run, {})[seal.stage] = seal

    def of(self, stage: str) -> list[Seal]:
        """Give the seals of a stage."""
        return [seal for seal, _, _ in self.sealed if seal.stage == stage]

    def every(self, stage: str) -> Iterator[Seal]:
        """Give them all the same: none is hidden."""
        yield from self.of(stage)

    def _find(self, seal: Seal) -> tuple[Seal, Document, Manifest]:
        return next(one for one in self.sealed if one[0].commit == seal.commit)

    def document(self, seal: Seal) -> Document | None:
        """Give the parts of its fingerprint, as git would."""
        return read_document(self._find(seal)[1].text().encode())

    def manifest(self, seal: Seal) -> Manifest | None:
        """Give its files."""
        return self._find(seal)[2]

    def metrics(self, seal: Seal) -> dict[str, float]:
        """Give a number for each file."""
        return dict.fromkeys(self._find(seal)[2].artifacts, 1.0)


def resolved(stages: list[Stage], force: tuple[str, ...] = ()) -> Resolved:
    """Make a plan.json of these stages."""
    return Resolved(
        run="r2",
        project="p",
        host="local",
        snapshot="9f",
        branch="run/r2",
        pipeline=Pipeline(name="x", stages=tuple(stages)),
        codes={"c": CODE},
        code={stage.name: "c" for stage in stages},
        force=force,
    )


def planner(
    stages: list[Stage],
    shelf: Shelf,
    environment: Mapping[str, str] | str = "",
    force: tuple[str, ...] = (),
) -> Planner:
    """Plan with what is on the shelf; all files are there, and no data."""
    known = Known(
        archive=shelf,
        listing=dict,
        now=lambda _: "",
        environment=environment or {"python": "3.11"},
        data=lambda _: {},
        at_once=lambda _: {},
        whole=lambda _seal, _manifest: True,
        listed=lambda _: None,
    )
    return Planner(resolved(stages, force), known)


def sealed(stages: list[Stage], shelf: Shelf, run: str = "r1") -> None:
    """Seal all stages as a run would, each with one file that its params make."""
    for stage in order(stages):
        one = Artifact(size=1, sha256=f"{len(stage.params):064x}")
        made = Manifest(artifacts={"x": one}, results={})
        plan = planner(stages, shelf)
        inputs = {
            str(ref): shelf._find(shelf.runs[run][ref.stage])[2].meant_by(ref.file)
            for ref in stage.inputs
        }
        parts = plan.parts(stage, inputs)
        seal = replace(
            TRAIN_SEAL,
            run=run,
            stage=stage.name,
            fingerprint=parts.digest(),
            commit=f"{run}.{stage.name}",
        )
        shelf.add(seal, Document(fingerprint=parts.digest(), parts=parts), made)


@st.composite
def flows(draw: st.DrawFn) -> list[Stage]:
    """Stages in which some order is a flow of files."""
    return [
        replace(
            stage,
            after=tuple(need for need in stage.after if need not in given),
            inputs=tuple(Input(stage=need, file="x") for need in sorted(given)),
        )
        for stage in draw(graphs())
        for given in [draw(st.sets(st.sampled_from(stage.after or ("s0",))))
                      & set(stage.after)]
    ]  # fmt: skip


@settings(max_examples=60)
@given(
    flows(),
    st.sets(st.integers(0, 7)),
    st.booleans(),
    st.sampled_from(["", "an environment"]),
)
def test_every_stage_of_any_graph_gets_a_decision(
    stages: list[Stage],
    which: set[int],
    is_sealed: bool,
    words: str,
) -> None:
    """Nothing sealed, or all; whatever is forced, and with no environment yet."""
    names = [stage.name for stage in stages]
    shelf = Shelf()
    if is_sealed:
        sealed(stages, shelf)
    force = {name for at, name in enumerate(names) if at in which}
    plan = planner(stages, shelf, words, force=tuple(sorted(force)))

    decisions = plan.plan()

    assert sorted(one.stage for one in decisions) == sorted(names)
    assert all(one.because for one in decisions)
    kind_of = {one.stage: one.kind for one in decisions}
    assert all(kind_of[name] == "execute" for name in force)
    if words:
        assert set(kind_of.values()) <= {"wait", "execute"}
    for stage in stages:
        givers = [kind_of[ref.stage] for ref in stage.inputs]
        if set(givers) - {"reuse"} and stage.name not in force:
            assert kind_of[stage.name] == "wait"


@settings(max_examples=40)
@given(flows().filter(bool))
def test_what_is_sealed_is_reused_and_named(stages: list[Stage]) -> None:
    """A plan of the same thing again reuses all, and says in which run it lies."""
    shelf = Shelf()
    sealed(stages, shelf)
    plan = planner(stages, shelf)

    decisions = plan.plan()

    assert {one.kind for one in decisions} == {"reuse"}
    assert plan.sealed_in(decisions, lambda _: True) == "r1"
    assert plan.sealed_in(decisions, lambda _: False) == ""


@settings(max_examples=40)
@given(flows().filter(bool), st.integers(0, 7))
def test_a_param_that_changes_spreads_only_along_files(
    stages: list[Stage], which: int
) -> None:
    """Its stage is executed, what reads of it waits, all else is reused."""
    shelf = Shelf()
    sealed(stages, shelf)
    name = stages[which % len(stages)].name
    changed = [
        replace(stage, params={"new": 1}) if stage.name == name else stage
        for stage in stages
    ]
    spread = {name}
    for stage in order(tuple(changed)):
        if any(ref.stage in spread for ref in stage.inputs):
            spread.add(stage.name)

    found = {one.stage: one for one in planner(changed, shelf).plan()}

    assert found[name].kind == "execute"
    assert found[name].because == "param new is new: 1"
    assert {one for one in found if found[one].kind != "reuse"} == spread


def test_the_newest_seal_that_fits_is_taken() -> None:
    """And an older one where the newest is of something else."""
    shelf, old = Shelf(), [Stage(name="a")]
    new = [Stage(name="a", params={"p": 1})]
    sealed(old, shelf, "r1")
    sealed(new, shelf, "r2")
    sealed(old, shelf, "r3")

    assert planner(old, shelf).plan()[0].run == "r3"
    assert planner(new, shelf).plan()[0].run == "r2"
    other = planner([Stage(name="a", params={"p": 2})], shelf)
    assert other.plan()[0].because == "param p is new: 2"
    assert other.plan("r2")[0].changes[0].text() == "param p: 1 -> 2"
    assert planner(old, shelf).plan("gone")[0].commit == ""


@pytest.fixture
def ran(laptop: Laptop) -> Laptop:
    """A pipeline that was run once."""
    written(laptop).pipeline("run")
    return laptop


def test_a_plan_is_a_table_with_reasons(ran: Laptop) -> None:
    """One line a stage, and what to ask next."""
    ran.write("stages/near.py", "NEAR = 2\n")

    lines = ran.pipeline("plan").splitlines()

    assert lines[0] == "reused on local: 1 to reuse, 2 to execute, 1 to be seen"
    assert lines[1].split() == [
        "●",
        "fit",
        "execute",
        "code",
        "stages/near.py",
        "changed",
    ]
    assert lines[2].split()[:3] == ["○", "use", "wait"]
    assert lines[2].endswith("waits for what fit will give")
    assert lines[3].startswith("✓ tool   reuse    nothing changed since ")
    assert lines[-1] == "what differs: pipeline explain fit"


def test_a_plan_without_a_terminal_s_signs(ran: Laptop) -> None:
    """Where the output cannot hold them."""
    said = ran.pipeline("plan", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})

    assert "+ fit    reuse" in said


def test_a_forced_stage_is_executed_and_those_below_see(ran: Laptop) -> None:
    """It gives the same: below it all is reused."""
    assert kinds(ran, "--force", "fit") == {
        "fit": "execute", "use": "wait", "tool": "reuse", "whole": "reuse",
    }  # fmt: skip
    assert planned(ran, "--force", "fit")["fit"]["because"] == "asked for by --force"

    ran.pipeline("run", "--force", "fit")

    assert executed(ran) == ["fit"]


def test_all_stages_can_be_forced(ran: Laptop) -> None:
    """Without a name; one that needs data may begin behind one that needs none."""
    ran.pipeline("run", "--force")

    assert sorted(executed(ran)) == ["fit", "tool", "use", "whole"]


def test_from_a_stage_all_below_it_is_executed(ran: Laptop) -> None:
    """And no other."""
    ran.pipeline("run", "--from", "fit")

    assert executed(ran) == ["fit", "use"]


def test_only_a_stage_whose_needs_are_sealed(ran: Laptop) -> None:
    """They are reused; what is not asked for is none of the run."""
    ran.write("stages/use.py", "def run(params, ctx):\n  ctx.output('use.txt')\n")
    ran.write("stages/use.py", (ran.repo / "stages/use.py").read_text() + "#\n")
    text = (
        'def run(p, ctx):\n  with ctx.output("use.txt") as o:\n    o.write_text("1")\n'
    )
    ran.write("stages/use.py", text)

    ran.pipeline("run", "--only", "use")

    assert executed(ran) == ["use"]
    assert sorted(ran.seals()) == ["fit", "use"]


def test_only_a_stage_whose_needs_are_not_sealed_starts_nothing(ran: Laptop) -> None:
    """One message: which stage, why, and what to do."""
    ran.write("stages/near.py", "NEAR = 2\n")
    runs = sorted((ran.repo / ".pipeline/runs").iterdir())

    for verb in (("run",), ("run", "--detach"), ("plan",), ("run", "--dry-run")):
        said = ran.pipeline(*verb, "--only", "use", code=6)
        assert said.startswith(
            "stage 'fit' is not sealed as it stands: code stages/near.py changed\n"
        )
        assert "leave out --only" in said
    assert sorted((ran.repo / ".pipeline/runs").iterdir()) == runs
    assert len(list(ran.run_folder().parent.iterdir())) == 1


def test_until_a_stage_nothing_else_is_done(laptop: Laptop) -> None:
    """It and what it needs; once more is a null run."""
    written(laptop)
    laptop.pipeline("run", "--until", "fit")

    assert executed(laptop) == ["fit"]
    assert "sealed already" in laptop.pipeline("run", "--until", "fit")


@pytest.mark.parametrize("option", ["--force", "--only", "--from", "--until"])
def test_an_unknown_stage_is_refused_with_the_near_name(
    laptop: Laptop, option: str
) -> None:
    """Before anything is looked at."""
    written(laptop)
    for verb in ("run", "plan"):
        said = laptop.pipeline(verb, option, "wohle", code=2)
        assert "no stage is called 'wohle'" in said
        assert "did you mean 'whole'?" in said


def test_a_dry_run_here_starts_nothing(laptop: Laptop) -> None:
    """Neither a run nor a box's folder: a plan, and what the snapshot holds."""
    said = written(laptop).pipeline("run", "--dry-run")

    assert "nothing travels; the snapshot holds " in said
    assert not list(laptop.home.glob(".pipeline/*/runs/*"))
    assert not (laptop.repo / "results").exists()
    assert not laptop.git("branch", "--list", "run/*")


def test_a_plan_of_failing_gates_says_so(laptop: Laptop) -> None:
    """What is reused as failing, and what waits for it."""
    laptop.write(
        "pipeline.yaml",
        "name: gated\nstages:\n  a:\n    sh: echo '{\"x\":1}' > $RESULTS/metrics.json\n"
        "    gates: [x >= 2]\n  b: {sh: 'true', after: [a]}\n",
    )
    laptop.commit()
    laptop.pipeline("run", code=3)

    found = planned(laptop)

    assert found["a"]["kind"] == "reuse"
    assert "x >= 2" in found["a"]["because"]
    assert found["b"]["because"] == "waits for a to pass its gates"


def test_a_plan_for_a_script_is_one_document(ran: Laptop) -> None:
    """On one line, with the run in which all is sealed."""
    said = ran.pipeline("plan", "--json")

    document = json.loads(said)
    assert said.count("\n") == 1
    assert document["host"] == "local"
    assert document["sealed_in"] == ran.run_id
    assert {one["kind"] for one in document["stages"]} == {"reuse"}
