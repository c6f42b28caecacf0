"""Histories of a repository and its runs: whatever happens, what must hold holds.

Hypothesis makes up histories of edits, runs, kills and damage; `history.World` says
what each stage must make and whether it must be executed. A result that an older code
made is the worst that could happen: each complete run is held against the model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pipeline.deaths import REUSE_POINTS, STAGE_POINTS
from tests.history import STAGES, World
from tests.laptop import Laptop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

GATE = 3
NUMBERS = st.integers(0, 2)
POINTS = sorted({*STAGE_POINTS, *REUSE_POINTS})


@dataclass(kw_only=True)
class Known:
    """What the test knows of a run: the world it began in, and what it was to do."""

    world: World
    until: tuple[str, ...]
    force: tuple[str, ...]
    is_over: bool = False


class Histories(RuleBasedStateMachine):
    """One repository, edited and run again and again.

    A rule that finds nothing to do does nothing: how far a stopped run came depends on
    the machine, and what hypothesis may choose must not.
    """

    def __init__(self) -> None:
        """Begin with a repository in which nothing was run."""
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="history-"))
        self.laptop = Laptop(self.root)
        self.counter = self.root / "counter"
        self.counter.touch()
        self.laptop.env["COUNTER"] = str(self.counter)
        self.world = World()
        self.world.write(self.laptop)
        self.laptop.commit()
        self.runs: dict[str, Known] = {}
        self.sealed: dict[str, set[object]] = {name: set() for name in STAGES}
        self.lost: set[str] = set()  # files of the store, by their sha256
        self.damaged: set[str] = set()  # those of them that are there, and not whole
        self.untouched = self._user()

    def teardown(self) -> None:
        """Remove all of it."""
        for line in self._folders():
            wait_until(lambda path=line: not _lives(path), "the runner's end")  # type: ignore[misc]
        shutil.rmtree(self.root, ignore_errors=True)

    # --- edits ----------------------------------------------------------------------

    @rule(
        name=st.sampled_from(
            ["width", "times", "script", "code", "near", "conf", "extra", "plain"]
        ),
        number=NUMBERS,
    )
    def edit(self, name: str, number: int) -> None:
        """Change a param or a file, or put it back as it was before."""
        self._become(replace(self.world, **{name: number}))

    @rule(
        name=st.sampled_from(
            ["width", "times", "script", "code", "near", "conf", "extra", "plain"]
        ),
        number=NUMBERS,
    )
    def edit_and_run(self, name: str, number: int) -> None:
        """Change one thing between two whole runs, where a stale result would show."""
        self.run()
        self.edit(name, number)
        self.run()

    @rule(number=NUMBERS)
    def edit_readme(self, number: int) -> None:
        """Change what no stage reads."""
        self._become(replace(self.world, readme=number))

    @rule(threshold=st.sampled_from([0, 1, 2]))
    def move_threshold(self, threshold: int) -> None:
        """Move the gate, which may let pass what it did not, or the other way."""
        self._become(replace(self.world, threshold=threshold))

    @rule()
    def commit(self) -> None:
        """Commit what was edited: the same files, another snapshot."""
        self.laptop.commit()
        self.untouched = self._user()

    # --- runs -----------------------------------------------------------------------

    @rule()
    def run(self) -> None:
        """Run it to its end."""
        self._start("run", self._due(STAGES))

    @rule(stage=st.sampled_from(STAGES))
    def run_forced(self, stage: str) -> None:
        """Execute a stage whatever was sealed."""
        self._start(
            "run", self._due(STAGES, (stage,)), "--force", stage, force=(stage,)
        )

    @rule()
    def run_until(self) -> None:
        """Run a part of it."""
        until = ("base", "mod")
        self._start("run", self._due(until), "--until", "mod", until=until)

    @rule(stage=st.sampled_from(STAGES), point=st.sampled_from(POINTS))
    def run_and_die(self, stage: str, point: str) -> None:
        """Kill the runner at some point, if it comes by it."""
        self._cut("run", {"PIPELINE_DIE_AT": f"{stage}:{point}"})

    @rule()
    def run_and_stop(self) -> None:
        """Stop a run as soon as it was started."""
        self._cut("run", {}, is_stopped=True)

    @rule(stage=st.sampled_from(STAGES), point=st.sampled_from(POINTS))
    def resume_and_die(self, stage: str, point: str) -> None:
        """Take a run up, and kill it again."""
        if not self.is_open():
            return
        self._cut("resume", {"PIPELINE_DIE_AT": f"{stage}:{point}"})

    @rule()
    def resume(self) -> None:
        """Take up the newest run."""
        if not self.is_open():
            return
        self.laptop.pipeline("resume", code=self._code(self.newest))
        self._over()

    @rule()
    def resume_twice(self) -> None:
        """Take up the newest run, twice at once."""
        if not self.is_open():
            return
        both = [self.laptop.spawn("resume") for _ in range(2)]
        said = [one.communicate(timeout=60)[0] for one in both]
        assert [one.returncode for one in both] == [self._code(self.newest)] * 2, said
        self._over()

    # --- damage ---------------------------------------------------------------------

    @rule(name=st.sampled_from(["base/large.bin", "base/base.txt", "mod/mod.txt"]))
    def lose_artifact(self, name: str) -> None:
        """Lose a sealed file of a run that is not over; it must come back."""
        if self.lost or not self.is_open():
            return
        stage = name.partition("/")[0]
        if stage in self._seals(self.newest):
            (self._tree() / "artifacts" / name).unlink(missing_ok=True)

    @rule(stage=st.sampled_from(STAGES))
    def lose_results(self, stage: str) -> None:
        """Lose the results of a sealed stage of a run that is not over."""
        if not self.is_open():
            return
        if stage in self._seals(self.newest):
            shutil.rmtree(self._tree() / "results" / stage, ignore_errors=True)

    @rule(is_gone=st.booleans())
    def spoil_store(self, *, is_gone: bool) -> None:
        """Damage or delete all that the store has; it must never be taken for whole."""
        if self.is_open():
            return
        for path in self.root.glob("home/.pipeline/*/store/*"):
            if len(path.name) != hashlib.sha256().digest_size * 2:
                continue
            self.lost.add(path.name)
            if is_gone:
                self.damaged.discard(path.name)
                path.unlink()
            else:
                self.damaged.add(path.name)
                path.chmod(0o600)
                path.write_bytes(b"x" * path.stat().st_size)

    @rule()
    def list_garbage(self) -> None:
        """Ask what could be deleted; nothing is."""
        if self.runs:
            self.laptop.pipeline("gc", "--keep", "1")

    # --- what must hold -------------------------------------------------------------

    @invariant()
    def the_user_is_untouched(self) -> None:
        """The user's branch, index and files are as they were."""
        assert self._user() == self.untouched

    @invariant()
    def a_stage_is_sealed_once(self) -> None:
        """In each run, and told once at most; what was told was sealed."""
        for run in self.runs:
            sealed, told = self._seals(run), self._told(run)
            assert len(set(sealed)) == len(sealed), sealed
            assert len(set(told)) == len(told), told
            assert set(told) <= set(sealed)
            if self.runs[run].is_over:
                assert sorted(told) == sorted(sealed)

    @invariant()
    def a_complete_run_is_what_computing_gives(self) -> None:
        """No output comes from other code, params or inputs than the run's own."""
        for run in list(self.runs)[-1:]:
            known = self.runs[run]
            if not known.is_over:
                continue
            wanted = list(known.until)
            if not known.world.passes():
                wanted = [name for name in wanted if name != "last"]
            assert sorted(self._seals(run)) == sorted(wanted)
            for name in wanted:
                made = self._tree(run) / "artifacts" / name / f"{name}.txt"
                assert made.read_text() == known.world.outputs()[name]
            picture = (self._tree(run) / "results" / "PROGRESS.txt").read_text()
            assert f"{len(wanted)} of {len(known.until)}" in picture

    def check_all(self) -> None:
        """Check all that must hold, where no machine does it."""
        self.the_user_is_untouched()
        self.a_stage_is_sealed_once()
        self.a_complete_run_is_what_computing_gives()

    # --- how ------------------------------------------------------------------------

    def _become(self, world: World) -> None:
        self.world = world
        world.write(self.laptop)
        self.untouched = self._user()

    @property
    def newest(self) -> str:
        """The run that was started last."""
        return list(self.runs)[-1]

    def is_open(self) -> bool:
        """Tell whether the newest run is to be taken up."""
        return bool(self.runs) and not self.runs[self.newest].is_over

    def _code(self, run: str) -> int:
        known = self.runs[run]
        has_gate = "mod" in known.until
        return 0 if known.world.passes() or not has_gate else GATE

    def _due(
        self, until: tuple[str, ...], force: tuple[str, ...] = ()
    ) -> dict[str, bool]:
        """Say of each stage whether it must be executed, by what was sealed before."""
        due = {}
        for name in until:
            if name == "last" and not self.world.passes():
                break
            is_known = self.world.keys()[name] in self.sealed[name]
            is_lost = name == "base" and self.world.large in self.lost
            due[name] = name in force or not is_known or is_lost
        return due

    def _start(
        self,
        verb: str,
        due: dict[str, bool],
        *more: str,
        until: tuple[str, ...] = STAGES,
        force: tuple[str, ...] = (),
    ) -> None:
        """Run it to its end, and hold what was executed against what is due."""
        before = self._count()
        known = Known(world=self.world, until=until, force=force)
        said = self.laptop.pipeline(verb, *more, code=None)
        if "sealed already" in said and self.world.large in self.damaged:
            due = {**due, "base": False}  # who uses it will see; nobody does
        done = {name: self._count()[name] - before[name] for name in STAGES}
        assert done == {name: int(due.get(name, False)) for name in STAGES}, said
        if not self._remember(known):
            assert "sealed already" in said, said
            assert not any(due.values())
            return
        code = self._code(self.newest)
        assert f"run ended with {code}" in said or not code, said
        self._over()

    def _cut(self, verb: str, env: dict[str, str], *, is_stopped: bool = False) -> None:
        """Start a runner that is killed or stopped, and wait until it is gone."""
        known = Known(world=self.world, until=STAGES, force=())
        if verb == "resume":
            known = self.runs[self.newest]
        may = self._may_execute(known)
        before = self._count()
        said = self.laptop.pipeline(verb, "--detach", env=env, code=None)
        if verb == "run" and not self._remember(known):
            assert "sealed already" in said, said
            return
        if is_stopped:
            self.laptop.pipeline("stop", code=None)
        self.laptop.wait_for_runner(lives=False)
        wait_until(lambda: not self._is_moving(), "the keeper is done")
        for name in STAGES:
            assert self._count()[name] - before[name] <= int(may[name]), said
        ended = '"run_ended","exit_code":130' not in self._events(self.newest)
        if ended and '"kind":"run_ended"' in self._events(self.newest):
            self._over()
        self._learn()

    def _may_execute(self, known: Known) -> dict[str, bool]:
        keys = known.world.keys()
        return {
            name: keys[name] not in self.sealed[name]
            or (name == "base" and known.world.large in self.lost)
            or name in known.force
            for name in STAGES
        }

    def _remember(self, known: Known) -> bool:
        """Remember a run that was started; tell whether there is a new one."""
        records = (self.laptop.repo / ".pipeline" / "runs").glob("*.json")
        new = {path.stem for path in records} - set(self.runs)
        for run in new:
            self.runs[run] = known
        return bool(new)

    def _over(self) -> None:
        self.laptop.wait_for_runner(lives=False)  # its last act is to draw the picture
        self.runs[self.newest].is_over = True
        self._learn()

    def _learn(self) -> None:
        """Ask the ledger what is sealed; a file that was put again is whole again."""
        keys = self.runs[self.newest].world.keys()
        for name in self._seals(self.newest):
            self.sealed[name].add(keys[name])
        for path in self.root.glob("home/.pipeline/*/store/*"):
            if hashlib.sha256(path.read_bytes()).hexdigest() == path.name:
                self.lost.discard(path.name)
                self.damaged.discard(path.name)

    def _folders(self) -> list[Path]:
        return list(self.root.glob("home/.pipeline/*/runs/*"))

    def _tree(self, run: str = "") -> Path:
        (found,) = self.root.glob(f"home/.pipeline/*/runs/{run or self.newest}/tree")
        return found

    def _seals(self, run: str) -> list[str]:
        (code,) = self.root.glob("home/.pipeline/*/code.git")
        wanted = "--format=%(trailers:key=Stage,valueonly)"
        head = ("--git-dir", str(code), "log", wanted)
        return self.laptop.git(*head, f"run/{run}").split()

    def _events(self, run: str) -> str:
        return (self._tree(run) / "results" / "events.jsonl").read_text()

    def _told(self, run: str) -> list[str]:
        events = [json.loads(line) for line in self._events(run).splitlines()]
        return [e["stage"] for e in events if e["kind"] == "stage_sealed"]

    def _count(self) -> dict[str, int]:
        lines = self.counter.read_text().split()
        return {name: lines.count(name) for name in STAGES}

    def _is_moving(self) -> bool:
        """Tell whether a process of a stage still lives."""
        mark = f"COUNTER={self.counter}\0".encode()
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in entry.read_bytes():
                    return True
            except OSError:
                continue
        return False

    def _user(self) -> tuple[str, ...]:
        git = self.laptop.git
        files = git("ls-files", "-co", "--exclude-standard", "-s")
        return (git("rev-parse", "HEAD"), git("status", "--porcelain"), files)


def _lives(folder: Path) -> bool:
    from pipeline.files import is_locked

    return is_locked(folder / "runner.lock")


COMMON = settings(
    deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@pytest.mark.timeout(300)
def test_a_history_with_everything() -> None:
    """Each rule at least once, and each edit between two whole runs."""
    history = Histories()
    try:
        for act in EVERYTHING:
            act(history)
            history.check_all()
    finally:
        history.teardown()


def _edited(name: str, number: int) -> Callable[[Histories], None]:
    def act(history: Histories) -> None:
        history.edit(name, number)
        history.run()

    return act


EVERYTHING: list[Callable[[Histories], None]] = [
    Histories.run,
    *(_edited(name, 1) for name in ("conf", "near", "code", "script", "extra")),
    lambda history: history.edit_readme(1),
    Histories.run,
    Histories.run,
    _edited("conf", 0),  # as it was in the first run
    _edited("extra", 0),
    lambda history: history.move_threshold(2),
    Histories.run,  # the gate fails, and nothing is executed
    lambda history: history.move_threshold(0),
    Histories.run,
    lambda history: history.spoil_store(is_gone=False),
    Histories.run,
    lambda history: history.spoil_store(is_gone=True),
    _edited("plain", 1),
    lambda history: history.run_forced("mod"),
    lambda history: history.edit("width", 2),
    lambda history: history.run_and_die("mod", "started"),
    lambda history: history.lose_artifact("base/large.bin"),
    lambda history: history.lose_results("base"),
    lambda history: history.resume_and_die("mod", "sealing"),
    Histories.resume_twice,
    lambda history: history.edit("times", 2),
    Histories.run_until,
    Histories.commit,
    Histories.run_and_stop,
    lambda history: history.resume() if history.is_open() else None,
    Histories.list_garbage,
]


class TestHistories(Histories.TestCase):  # type: ignore[misc,valid-type]
    """A few histories, the same each time."""

    pytestmark = pytest.mark.timeout(300)
    settings = settings(
        COMMON, max_examples=3, stateful_step_count=10, derandomize=True
    )


class TestManyHistories(Histories.TestCase):  # type: ignore[misc,valid-type]
    """Many histories, others each time."""

    pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]  # noqa: RUF012
    settings = settings(COMMON, max_examples=40, stateful_step_count=25)
