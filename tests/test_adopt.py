"""A run that was started elsewhere is listed by its box, and taken up by a clone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.laptop import CHECKOUT, Laptop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLOW = """\
name: slow
heartbeat: {every: 1s}
stages:
  quick: {sh: echo q > $OUT/q, outputs: [q]}
  slow:
    after: [quick]
    sh: echo begun; while test ! -e ~/free; do sleep 0.05; done; echo s > $OUT/s
    outputs: [s]
"""


class Clone(Laptop):
    """A second clone of a laptop's repository, on the same machine as a box."""

    def __init__(self, of: Laptop, name: str = "clone") -> None:
        """Clone it beside the first."""
        self.home, self.env = of.home, of.env
        self.repo = of.repo.with_name(name)
        of.git("clone", "-q", str(of.repo), str(self.repo))


@pytest.fixture
def started(laptop: Laptop) -> Iterator[Laptop]:
    """A laptop with a run that goes on until ~/free is there, which is at the end."""
    laptop.write("pipeline.yaml", SLOW)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_started slow")
    yield laptop
    (laptop.home / "free").touch()


def runs_on(laptop: Laptop, *words: str) -> list[dict[str, Any]]:
    """Ask this machine, as a box, for its runs."""
    said = laptop.pipeline("runs", "--host", "local", *words, "--json")
    found: list[dict[str, Any]] = json.loads(said)["runs"]
    return found


def test_a_clone_lists_and_adopts_a_run(started: Laptop) -> None:
    """By a part of its name, twice; its story, logs and branch are here at once."""
    clone, run = Clone(started), started.run_id

    (listed,) = runs_on(clone)
    said = clone.pipeline("adopt", run[-4:], "--host", "local")
    again = clone.pipeline("adopt", "latest", "--host", "local")

    keys = ("run", "state", "sealed", "stages", "is_known", "lives")
    assert [listed[key] for key in keys] == [run, "running", 1, 2, False, True]
    assert listed["size"] > 1000
    assert said == again
    assert said.startswith(
        f"run {run} on local is known here now: running, 1 of 2 stages sealed\n"
    )
    assert runs_on(clone)[0]["is_known"]
    assert clone.seals() == ["quick"]
    assert clone.pipeline("logs", "slow") == "begun\n"


def test_an_adopted_run_is_steered_from_anywhere(started: Laptop) -> None:
    """Stopped in the clone, resumed where it began, pulled from another folder."""
    clone, run = Clone(started), started.run_id
    clone.pipeline("adopt", run, "--host", "local")
    watcher = started.spawn("attach")

    assert "was asked to stop" in clone.pipeline("stop", run[-4:])
    said, _ = watcher.communicate(timeout=40)
    started.pipeline("resume", run[9:], "--detach")
    logs = clone.spawn("logs", "slow", "-f", "--run", run[-4:])
    (started.home / "free").touch()
    ended = clone.pipeline("attach")
    elsewhere, clone.repo = clone.repo, clone.home
    pulled = clone.pipeline("pull", "--file", str(elsewhere / "pipeline.yaml"))

    assert watcher.returncode == 130, said
    assert "run ended: done" in ended
    assert logs.communicate(timeout=30)[0] == "begun\nbegun\n"
    assert "2 files" in pulled
    assert (elsewhere / "artifacts" / run / "slow" / "s").read_text() == "s\n"


def test_a_run_of_another_repository_is_refused(
    started: Laptop, tmp_path: Path
) -> None:
    """With what to do; and so is one of another pipeline of this repository."""
    run = started.run_id
    stranger = Laptop(tmp_path / "stranger")
    stranger.env = {**stranger.env, "HOME": str(started.home)}
    stranger.write("pipeline.yaml", SLOW)
    stranger.commit("another first commit")
    clone = Clone(started)
    clone.write("pipeline.yaml", SLOW.replace("name: slow", "name: other"))

    said = stranger.pipeline("adopt", run, "--host", "local", code=6)
    renamed = clone.pipeline("adopt", run, "--host", "local", code=6)

    assert f"run {run} is of another project: slow-" in said
    assert "adopt it in a clone of the repository it was started from\n" in said
    assert "its pipeline is called 'slow', and this one 'other'" in renamed
    assert [one["run"] for one in runs_on(stranger, "--all")] == [run]
    assert runs_on(stranger) == []
    assert not (stranger.repo / "results").exists()


REFUSED = {
    "nowhere": (("adopt", "x"), "on which host is the run?"),
    "no such host": (("adopt", "x", "--host", "gpu"), "no host is called 'gpu'"),
    "no such run": (
        ("adopt", "nope", "--host", "local"),
        "no run 'nope' of this project is on 'local'",
    ),
    "all of nothing": (("runs", "--all"), "--all is of a box, and no host is named"),
    "one and all": (("attach", "a3f9", "--all"), "'a3f9' is one run"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant(
    laptop: Laptop, words: tuple[str, ...], said: str
) -> None:
    """One message, and 2."""
    laptop.with_chain()

    assert said in laptop.pipeline(*words, code=2)


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "your branch": (lambda p: p.update(branch="main"), "a foreign branch"),
    "no branch": (lambda p: p.update(branch=p["run"] + "..lock"), "a foreign branch"),
    "another run": (lambda p: p.update(run="../../x"), "a foreign run"),
    "another folder": (lambda p: p.update(prefix="../.."), "a foreign folder"),
    "an option": (lambda p: p.update(snapshot="--output=x"), "a foreign snapshot"),
    "another project": (lambda p: p.update(project="../x"), "a foreign project"),
    "a newer version": (
        lambda p: p.update(format=99),
        "by a newer version of pipeline",
    ),
    "no plan": (lambda p: p.clear(), "is not a whole Resolved"),
}


def test_a_box_that_lies_is_refused(chain: Laptop) -> None:
    """Each row: what its plan.json says, and what comes of it; nothing is written."""
    chain.pipeline("run")
    clone, run = Clone(chain), chain.run_id
    plan = chain.run_folder() / "plan.json"
    truth = plan.read_text()
    for name, (lie, refusal) in LIES.items():
        told = json.loads(truth)
        lie(told)
        plan.write_text(json.dumps(told))

        said = clone.pipeline("adopt", run, "--host", "local", code=6)

        assert refusal in said, name
        assert not (clone.repo / ".pipeline" / "runs").exists(), name
    (chain.run_folder().parent / "\x1b[2J-bad").mkdir()
    (chain.run_folder().parent / "\x1b[2J-bad" / "plan.json").write_text(truth)
    assert [one["state"] for one in runs_on(clone)] == ["unreadable"]


@pytest.fixture
def older(laptop: Laptop, tmp_path: Path) -> Laptop:
    """A laptop whose pipeline is of another version, and says so in `ps`."""
    other = tmp_path / "older"
    for room in ("pipeline", "remote"):
        shutil.copytree(
            CHECKOUT / room, other / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    launch = other / "pipeline" / "launch.py"
    text = launch.read_text()
    assert text.count('"pipeline-run"') == 1
    launch.write_text(text.replace('"pipeline-run"', '"older-run"'))
    laptop.env["PYTHONPATH"] = str(other)
    return laptop


def comms(laptop: Laptop) -> list[str]:
    """Name the processes at work in the latest run's folder, as `ps` does."""
    folder = laptop.run_folder()
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == folder:
                found.append(link.with_name("comm").read_text().strip())
        except OSError:
            continue
    return found


def test_a_run_of_another_version_goes_on_as_it_began(older: Laptop) -> None:
    """A newer laptop follows, logs and stops it; it is resumed by what began it."""
    older.write("pipeline.yaml", SLOW)
    older.commit()
    older.pipeline("run", "--detach")
    older.wait_for_event("stage_started slow")
    older.env["PYTHONPATH"] = str(CHECKOUT)
    newer = older

    watcher = newer.spawn("attach")
    assert newer.pipeline("logs", "slow") == "begun\n"
    newer.pipeline("stop")
    said, _ = watcher.communicate(timeout=40)
    newer.pipeline("resume", "--detach")
    wait_until(lambda: newer.story().count("stage_started slow") == 2, "it goes on")
    resumed_by = comms(newer)
    runners = {path.name for path in newer.run_folder().parents[1].glob("runner/*.pyz")}
    _forget_older_than_an_hour(newer)
    cleared = newer.pipeline("gc", "--keep", "0", "--yes")
    kept = {path.name for path in newer.run_folder().parents[1].glob("runner/*.pyz")}
    (newer.home / "free").touch()
    newer.pipeline("attach")
    pulled = newer.pipeline("pull", "slow")

    assert (watcher.returncode, "run is stopping" in said) == (130, True)
    assert ("older-run" in resumed_by, "pipeline-run" in resumed_by) == (True, False)
    assert (len(runners), kept) == (2, runners), cleared
    assert "1 file" in pulled


def _forget_older_than_an_hour(laptop: Laptop) -> None:
    """Make all programs look old, so that only need can keep them."""
    for path in laptop.run_folder().parents[1].glob("runner/*.pyz"):
        subprocess.run(["touch", "-d", "2 days ago", str(path)], check=True)


def test_what_began_a_run_is_kept_while_it_may_go_on(older: Laptop) -> None:
    """It is stopped, and nothing runs: its program is still needed. Lost, ours does."""
    older.write("pipeline.yaml", SLOW)
    older.commit()
    older.pipeline("run", "--detach")
    older.wait_for_event("stage_started slow")
    older.pipeline("stop")
    older.wait_for_runner(lives=False)
    older.env["PYTHONPATH"] = str(CHECKOUT)
    older.pipeline("runs", "--host", "local")  # which puts the newer program there
    program = older.run_folder() / "program"
    theirs = older.run_folder().parents[1] / "runner" / program.read_text().strip()
    _forget_older_than_an_hour(older)

    older.pipeline("gc", "--yes")
    assert theirs.exists()
    theirs.unlink()
    (older.home / "free").touch()

    assert "run ended: done" in older.pipeline("resume")


def test_a_run_of_a_version_to_come_is_refused_by_name(started: Laptop) -> None:
    """What this version cannot read it says so of; to stop it needs no reading."""
    plan = started.run_folder() / "plan.json"
    told = json.loads(plan.read_text())
    plan.write_text(json.dumps({**told, "format": 99}))

    for verb in ("resume", "logs -f"):
        said = started.pipeline(*verb.split(), code=None)
        assert f"run '{started.run_id}': it was begun by a newer version" in said, verb
        assert "upgrade pipeline on this machine" in said, verb
    assert "was asked to stop" in started.pipeline("stop")
    started.wait_for_runner(lives=False)
